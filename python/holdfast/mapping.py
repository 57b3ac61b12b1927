"""The file of a pool in the memory of this process (docs/frames.md, "The file, byte by byte")."""

from __future__ import annotations

import ctypes
import mmap
import os
import stat
import struct
import weakref
from typing import Any, Literal

from .errors import HoldfastError
from .pool_info import PoolLayout

#: What a program does with a pool's memory: ``write`` is for producers.
Access = Literal["read", "write"]

_MAGIC = b"HOLDFAST"
_VERSION = 1
#: Magic, version, state and epoch, at the start of the file.
_POOL_HEADER = struct.Struct("<8sIIQ")

_UINT32 = 2**32

# mmap(2): what the mmap module does not have.
_MAP_FIXED = 0x10
_MAP_FAILED = ctypes.c_void_p(-1).value


class PoolMapping:
    """The memory of a pool's file. It goes when nothing refers to it any more, arrays over it included: touching one of them never fails."""

    def __init__(self, layout: PoolLayout, access: Access) -> None:
        """
        :raises HoldfastError: ``POOL_GONE``, ``PERMISSION_DENIED``, ``MEMORY_FAILED``
        """
        self.layout = layout
        self._memory = _mapped(layout, access)
        self._bytes = memoryview(self._memory)
        self._words = self._bytes[: layout.payload_offset].cast("I")
        if access == "write":
            _writable.add(self)

    def payload(self, slot: int, length: int) -> memoryview:
        """The first bytes of a slot.

        :raises HoldfastError: ``INTERNAL`` when the file has no such slot, or its slots are shorter
        """
        layout = self.layout
        if not (0 <= slot < layout.slots and 0 <= length <= layout.bytes):
            raise HoldfastError("INTERNAL", f"{layout.path} has no slot {slot} of {length} bytes", {"path": layout.path, "slot": slot})
        start = layout.payload_offset + slot * layout.payload_stride
        return self._bytes[start : start + length]

    def has_generation(self, slot: int, generation: int) -> bool:
        """Whether a slot still has this generation: its content is what it was."""
        at = self.layout.header_offset + slot * self.layout.header_stride
        return self._words[at // 4] == generation % _UINT32

    def leave_to_parent(self) -> None:
        """In a child after a fork. Nobody would see it end, so it must not store into slots: empty memory of its own takes their place."""
        length = len(self._bytes)
        start = ctypes.addressof(ctypes.c_char.from_buffer(self._memory))
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _MAP_FIXED
        if _libc_mmap(start, length, mmap.PROT_READ | mmap.PROT_WRITE, flags, -1, 0) == _MAP_FAILED:
            os.abort()


def _mapped(layout: PoolLayout, access: Access) -> mmap.mmap:
    """Maps the file, after a look at it: what lies at the path may have been put there by somebody else."""
    what = f"the file of pool {layout.pool}"
    details = {"pool": layout.pool, "path": layout.path}
    protection = mmap.PROT_READ | mmap.PROT_WRITE if access == "write" else mmap.PROT_READ
    try:
        mode = os.O_RDWR if access == "write" else os.O_RDONLY
        file = os.open(layout.path, mode | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            length = _checked_length(file, layout)
            return mmap.mmap(file, length, mmap.MAP_SHARED, protection)
        finally:
            os.close(file)
    except FileNotFoundError as error:
        raise HoldfastError("POOL_GONE", f"{what} has gone: {layout.path}", details) from error
    except PermissionError as error:
        raise HoldfastError("PERMISSION_DENIED", f"{what} can't be used: {error.strerror}", details) from error
    except (OSError, ValueError, OverflowError) as error:
        raise HoldfastError("MEMORY_FAILED", f"{what} can't be used: {error}", details) from error


def _checked_length(file: int, layout: PoolLayout) -> int:
    status = os.fstat(file)
    length = layout.payload_offset + layout.slots * layout.payload_stride
    if not stat.S_ISREG(status.st_mode) or status.st_size != length:
        raise ValueError(f"it has {status.st_size} bytes instead of {length}")
    magic, version, _state, epoch = _POOL_HEADER.unpack(os.pread(file, _POOL_HEADER.size, 0))
    if (magic, version, epoch) != (_MAGIC, _VERSION, layout.epoch):
        raise ValueError("its header is another's")
    return length


_writable: weakref.WeakSet[PoolMapping] = weakref.WeakSet()

_libc = ctypes.CDLL(None)
# Of which the offset has 64 bits everywhere.
_libc_mmap: Any = getattr(_libc, "mmap64", None) or _libc.mmap
_libc_mmap.restype = ctypes.c_void_p
_libc_mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_int64]


def _leave_all_to_parent() -> None:
    for mapping in _writable:
        mapping.leave_to_parent()


os.register_at_fork(after_in_child=_leave_all_to_parent)
