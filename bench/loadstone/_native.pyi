"""What cffi builds from ``native/include/loadstone.h``; ``loadstone.core`` gives it types."""

from typing import Any

ffi: Any
lib: Any
