"""What commands print on a phone."""

GETPROP = """\
[dalvik.vm.heapsize]: [512m]
[ro.board.platform]: [kona]
[ro.boot.hardware.ufs]: [256GB,SAMSUNG]
[ro.build.fingerprint]: [vendor/phone/phone:14/UQ1A.240205/123:user/release-keys]
[ro.build.type]: [user]
[ro.build.version.release]: [14]
[ro.build.version.sdk]: [34]
[ro.build.version.security_patch]: [2024-02-05]
[ro.crypto.type]: [file]
[ro.product.manufacturer]: [Vendor]
[ro.product.model]: [Phone 5]
[ro.soc.model]: [SM8250]
[sys.boot_completed]: [1]
"""
CONFIG = """\
#
# Automatically generated file; DO NOT EDIT.
#
CONFIG_ARM64_4K_PAGES=y
# CONFIG_ARM64_16K_PAGES is not set
# CONFIG_IO_URING is not set
CONFIG_DMABUF_HEAPS=y
CONFIG_DMABUF_HEAPS_SYSTEM=m
CONFIG_HZ=250
CONFIG_LOCALVERSION="-android12"
"""
