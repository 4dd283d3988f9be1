"""Parameters as a workload might have them, one of each kind."""

from loadstone.model import Kind, Parameter

ENGINE = Parameter(
    name="engine", kind=Kind.CHOICE, help="", default="pread", choices=("pread", "uring", "mmap")
)
DESTINATION = Parameter(
    name="destination", kind=Kind.CHOICE, help="", choices=("anon", "memfd", "dma-heap:NAME")
)
BLOCK = Parameter(name="block", kind=Kind.SIZE, help="", minimum=512)
DEPTH = Parameter(name="depth", kind=Kind.COUNT, help="", minimum=1)
FIXED = Parameter(name="fixed", kind=Kind.FLAG, help="")
MOUNT = Parameter(name="mount", kind=Kind.CHOICE, help="")
PARAMETERS = (ENGINE, DESTINATION, BLOCK, DEPTH, FIXED, MOUNT)
