"""What the talk on ZHP published of a phone after boot, by lz4.

Source: Xiaofeng Yuan (vivo), 19th China Linux Kernel Developer Conference, Wuhan, 2024-10-26;
slides in https://github.com/ChinaLinuxKernel/CLK2024. Its deciles are of the raw compressed size;
its ZHP fit a huge_class_size of 3257 bytes.
"""

WHERE = "a phone after boot, lz4 (Xiaofeng Yuan, vivo, CLK 2024)"

PAGE_PERCENT = (13.92, 10.05, 13.08, 19.70, 23.00, 12.36, 3.71, 1.59, 1.09, 0.86, 0.63)
"""Anonymous pages in each decile."""

BYTE_PERCENT = (0.01, 3.27, 8.49, 19.16, 29.82, 20.03, 7.23, 3.62, 3.54, 2.79, 2.04)
"""Compressed bytes in each decile."""

HUGE_PAGE_PERCENT, HUGE_BYTE_PERCENT = 2.66, 8.63
HALF_PAGE_PERCENT, HALF_BYTE_PERCENT = 20.25, 39.26
"""ZHP, and all of half a page or more, of pages and of compressed bytes."""
