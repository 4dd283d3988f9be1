"""What the core calls those values and spans of a result that more than one workload has.

An evidence value and a span on disk have the same names. Values are lengths in ns, but for the
first. Every operation that times something reports it, and one of READY_NS and ELAPSED_NS.
"""

START_NS = "start_ns"
"""When the timed region began; no Outcome has it, as span times count from it."""

READY_NS = "ready_ns"
"""Length of the timed region of a load: until all bytes are ready."""

ELAPSED_NS = "elapsed_ns"
"""Length of the timed region of any other operation."""

SET_UP_NS = "set_up_ns"
"""Untimed: making files, threads and payload."""

SET_CACHE_NS = "set_cache_ns"
"""Untimed: bringing the page cache into its state."""

VERIFY_NS = "verify_ns"
"""Untimed: checking what was read or written."""

TRACE_NS = "trace_ns"
"""Untimed: the same once more, under a tracepoint."""

RELEASE_SPAN = "release"
"""The span after the timed region: freeing memory."""

TIMED_NS = (READY_NS, ELAPSED_NS)
"""The names that a timed region's length has; a Trial has one of them."""

UNTIMED_NS = (SET_CACHE_NS, SET_UP_NS, VERIFY_NS, TRACE_NS)
"""The names of what an operation takes besides its timed region, whatever the program does."""

CONTROL_READ = "control.read"
"""The fact that says how the control reads, or why it does not; Runs of before have none."""

CONTROLS = {"cpu": "control.cpu_ns", "memory": "control.memory_ns", "read": "control.read_ns"}
"""The evidence of controls, by the word that the core has for each: ns for a unit of its work."""

IMPORTED = "imported.from"
"""The fact that says which program measured a Run; one that Loadstone measured has none."""

IMPORTED_VERSION = "imported.version"
"""The fact that has that program's version."""

IMPORTED_TIME = "imported.time"
"""The fact that has when the first of its Trials began, as that program says."""

IMPORTED_HOST = "imported.hostname"
"""The fact that has where, if that program says so."""

TARGET_LOST = "target.lost"
"""The evidence of a failed Trial during which the Target went away: no fault of its Case."""
