"""Running a graph of onnxruntime over one window of tokens at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from answerable.adapters.onnx import ERRORS_ONLY, onnxruntime


class Engine:
    """A graph with its arrays, ready to run. Safe for many threads; has none of its own.

    Whoever calls lends the threads: they begin and end with the call, and inherit its niceness.
    Each works on windows of its own, which wastes less than sharing one does.

    Args:
        graph: An ONNX model that takes ``ids`` and gives ``mean``.
        arrays: What it lacks, by name. What is not copied from them is read while this lives.
    """

    def __init__(self, graph: bytes, arrays: Mapping[str, NDArray[Any]]) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = ERRORS_ONLY
        self._kept = [onnxruntime.OrtValue.ortvalue_from_numpy(one) for one in arrays.values()]
        options.add_external_initializers(list(arrays), self._kept)
        self._session = onnxruntime.InferenceSession(
            graph, options, providers=["CPUExecutionProvider"]
        )

    def means(self, windows: Sequence[Sequence[int]], threads: int) -> NDArray[np.float32]:
        """Return the mean of the last layer over the tokens of each window.

        Args:
            windows: Tokens, at least one each.
            threads: How many may work at once.

        Returns:
            ``[windows, dimension]``, in order.
        """
        if min(threads, len(windows)) <= 1:
            return np.array([self._mean(window) for window in windows])
        # The longest first, so that no thread is left with one at the end.
        order = sorted(range(len(windows)), key=lambda at: len(windows[at]), reverse=True)
        with ThreadPoolExecutor(min(threads, len(windows)), "embedding") as pool:
            found = list(pool.map(self._mean, [windows[at] for at in order]))
        means = np.empty((len(windows), len(found[0])), np.float32)
        means[order] = found
        return means

    def _mean(self, window: Sequence[int]) -> NDArray[np.float32]:
        mean: NDArray[np.float32] = self._session.run(
            ["mean"], {"ids": np.array([window], np.int64)}
        )[0][0]
        return mean
