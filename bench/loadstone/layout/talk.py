"""What was published of layouts that no kernel has yet.

Source: talks of vivo's Yangtao Li (F2FS compression) and Bo Wu (inline tail), China Linux Kernel
Developer Conference; slides in https://github.com/ChinaLinuxKernel.
"""

DYNAMIC_CLUSTER_PERCENT = -24
"""Of what is stored in fixed clusters; the talk has "up to"."""

INLINE_TAIL_PERCENT = -8
"""Of the space of a Linux tree."""
