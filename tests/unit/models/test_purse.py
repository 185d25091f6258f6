"""What was spent is kept on disk, for all who spend."""

from __future__ import annotations

import threading
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest
from wrapped import said

from answerable.adapters.models.memory import ScriptedModel
from answerable.adapters.models.priced import fixed
from answerable.adapters.models.spending import Spending
from answerable.adapters.state.spend import SqlitePurse
from answerable.domain.errors import ModelFailed, StorageFailure
from answerable.domain.questions import StepReason
from models_fakes import FakeClock

PRICE = fixed(Decimal(1), Decimal(1))


def test_it_is_remembered(tmp_path: Path) -> None:
    """After a restart, and by another process that has it open."""
    file = tmp_path / "spend.db"
    with closing(SqlitePurse(file)) as one, closing(SqlitePurse(file)) as other:
        assert one.take(1, 60, {"a": 100, "": 100}) == ""
        assert other.take(1, 60, {"b": 100, "": 200}) == ""
        other.put_back(1, 20, {"a": 0, "": 0})
        assert one.spent(1, "a") == 40
    with closing(SqlitePurse(file)) as again:
        assert (again.spent(1, "a"), again.spent(1, ""), again.spent(2, "a")) == (40, 100, 0)


def test_all_accounts_or_none(tmp_path: Path) -> None:
    """The account that cannot bear it is named."""
    with closing(SqlitePurse(tmp_path / "spend.db")) as purse:
        assert purse.take(1, 5, {"a": 10, "b": 4}) == "b"
        assert purse.spent(1, "a") == 0


def test_a_crowd_does_not_pass_the_limit(tmp_path: Path) -> None:
    """Threads with connections of their own."""
    taken: list[str] = []

    def take() -> None:
        with closing(SqlitePurse(tmp_path / "spend.db")) as purse:
            taken.extend(purse.take(1, 3, {"a": 50}) for _ in range(5))

    threads = [threading.Thread(target=take) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == 25
    assert taken.count("") == 16


def test_where_it_cannot_be_counted_nothing_is_spent(tmp_path: Path) -> None:
    """A damaged file is told as such, and no model is asked."""
    file = tmp_path / "spend.db"
    file.write_bytes(b"no database" * 1000)
    inner = ScriptedModel("never")
    with closing(SqlitePurse(file)) as purse:
        with pytest.raises(StorageFailure):
            purse.spent(1, "a")
        model = Spending(inner, PRICE, purse, {"scripted": 10}, FakeClock())
        with pytest.raises(ModelFailed) as caught:
            said(model)
    assert caught.value.kind is StepReason.BUDGET
    assert inner.calls == []
