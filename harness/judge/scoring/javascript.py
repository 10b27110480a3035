"""JavaScript of promptfoo's assertions, by QuickJS: without files, network, clock or chance.

Each answer has an engine of its own, with a limit of time and memory. What Node has and this engine
has not, or what differs from run to run, is told when a script is read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from time import thread_time
from typing import Any, TypeAlias, cast

from harness.errors import UsageError
from harness.workspace.patterns import TooLongError

Verdict: TypeAlias = "bool | float | dict[str, Any]"
"""What promptfoo takes from a script: passed or not, a score, or `{pass, score, reason}`."""
_MEMORY = 64 * 2**20
_LIMIT_S = 1.0
"""Of the processor, for one assertion on one answer."""
_TOO_LONG = f"JavaScript of an assertion: takes longer than {_LIMIT_S:g} s"
_ABSENT = frozenset(
    """
    process require module exports import fetch console Buffer setTimeout setInterval setImmediate
    Date performance random crypto Intl URL URLSearchParams TextEncoder TextDecoder Blob atob btoa
    WebAssembly Atomics SharedArrayBuffer WeakRef FinalizationRegistry structuredClone global
    globalThis localeCompare toLocaleString toLocaleLowerCase toLocaleUpperCase
    """.split()  # noqa: SIM905  # words
)
_TEXT = re.compile(r"'(?:[^'\\\n]|\\.)*'|\"(?:[^\"\\\n]|\\.)*\"")
_WORD = re.compile(r"[A-Za-z_$][\w$]*")
_CONTEXT = re.compile(r"\bcontext\b(?!\s*\.\s*vars\b)")
_DECLARES = re.compile(r"(?:const|let|var)\s")
_NOT_DEFINED = re.compile(r"^ReferenceError: '?([\w$]+)'? is not defined")
_ENGINE = """
for (const name of ['Date', 'performance', 'Atomics', 'SharedArrayBuffer', 'WeakRef',
                    'FinalizationRegistry', 'navigator']) delete globalThis[name];
Math.random = () => { throw new ReferenceError('random is not defined') };
"""
_JUDGE = """
globalThis.found = null;
(() => {
  const taken = value => {
    const kind = typeof value;
    if (kind === 'boolean') return value;
    if (kind === 'number') return String(value);
    if (kind === 'object' && value !== null && typeof value.pass === 'boolean'
        && typeof value.score === 'number' && typeof value.reason === 'string')
      return {pass: value.pass, score: String(value.score), reason: value.reason};
    throw new TypeError('neither true nor false, nor a number');
  };
  const judge = new Function('output', 'context', %s);
  Promise.resolve(judge(%s, {vars: %s})).then(taken).then(
    value => { found = JSON.stringify({value}) },
    error => { found = JSON.stringify({error: String(error)}) },
  );
})();
"""


class ScriptError(Exception):
    """The script throws, or gives nothing that promptfoo takes: the answer fails."""


def script_fault(script: str) -> str | None:
    """Why a script cannot be checked here, in one line; None when it can.

    >>> script_fault("output.length < 9"), script_fault("process.exit()")
    (None, '`process` is not available here')
    """
    bare = _TEXT.sub("''", script)
    absent = next((word for word in _WORD.findall(bare) if word in _ABSENT), None)
    if absent is not None:
        return f"`{absent}` is not available here"
    if _CONTEXT.search(bare):
        return "of `context` only `context.vars` is available here"
    try:
        library = _library()
    except ImportError:
        return "JavaScript needs `pip install 'model-rightsizing[review]'`"
    made = f"new Function('output', 'context', {json.dumps(_body(script))})"
    try:
        _engine(library).eval(made)
    except library.JSException as error:
        return str(error).splitlines()[0]
    return _fault_of_a_trial(script) if script.strip() else "it is empty"


def _fault_of_a_trial(script: str) -> str | None:
    """A name that nobody knows, or no end, shows on any answer; other errors are the answer's."""
    try:
        script_value(script, "an answer", {})
    except ScriptError as error:
        said = str(error)
        return said if said.startswith("ReferenceError") else None
    except UsageError as error:
        return str(error)
    return None


def names_variables(script: str) -> bool:
    """Whether a script reads the test's variables."""
    return "context" in script


def script_value(script: str, answer: str, variables: Mapping[str, object]) -> Verdict:
    """What an assertion's script returns for an answer.

    Raises:
        ScriptError: it throws, or returns nothing that promptfoo takes.
        TooLongError: it takes too long.
        UsageError: it uses what is not there.
    """
    library = _library()
    engine = _engine(library)
    written = (json.dumps(each) for each in (_body(script), answer, dict(variables)))
    try:
        engine.eval(_JUDGE % tuple(written))
        until = thread_time() + _LIMIT_S
        while engine.execute_pending_job():
            if thread_time() > until:
                raise TooLongError(_TOO_LONG)
        told = json.loads(engine.eval("found") or '{"error": "it never settles"}')
    except library.JSException as error:
        raise _fault(str(error)) from None
    if "error" in told:
        raise _fault(told["error"])
    return _number(told["value"])


def _number(value: Any) -> Verdict:  # noqa: ANN401  # JSON that our own script wrote
    if isinstance(value, dict):
        result = cast("dict[str, Any]", value)
        return {**result, "score": float(result["score"])}
    return value if isinstance(value, bool) else float(value)


def _fault(said: str) -> Exception:
    first = said.splitlines()[0] if said else "it ends without a word"
    if first.startswith("InternalError: interrupted"):
        return TooLongError(_TOO_LONG)
    absent = _NOT_DEFINED.match(first)
    if first.startswith("InternalError: out of memory") or (absent and absent[1] in _ABSENT):
        return UsageError(f"JavaScript of an assertion: {first}")
    return ScriptError(first)


def _body(script: str) -> str:
    """A script as the body of the function that promptfoo makes of it.

    Several lines are that body; one line is an expression, or declarations and an expression, whose
    value `eval` gives.
    """
    if "\n" in script:
        return script
    line = re.sub(r";+\s*$", "", script.strip())
    return f"return eval({json.dumps(line)})" if _DECLARES.match(line) else f"return {line}"


def _library() -> Any:  # noqa: ANN401  # an untyped library
    import quickjs  # noqa: PLC0415  # of an extra, needed by scripts alone

    return quickjs


def _engine(library: Any) -> Any:  # noqa: ANN401  # an untyped library
    engine = library.Context()
    engine.set_memory_limit(_MEMORY)
    engine.set_time_limit(_LIMIT_S)
    engine.eval(_ENGINE)
    return engine
