# SPDX-License-Identifier: MIT
"""Files an STM32MP board is flashed with, as small as they can be: loaders with right headers, packages, disks."""
import random
import struct
import uuid
import zlib

from stm32 import VERSIONS

MIB = 1 << 20
BL33 = "d6d0eea7-fcea-d54b-9782-9934f234b6e4"
HW_CONFIG = "08b8f1d9-c9cf-9349-a962-6fbc6b7265cc"
BL31 = "47d4086d-4cfe-9846-9b95-2950cbbd5a00"
DDR = "b11249be-92dd-4b10-867c-2c6a4b47a7fb"


def noise(seed, size):
    return random.Random(seed).randbytes(size)


def stm32_image(chip, payload, load=0x2FFC2500):
    """A payload behind an unsigned header; it begins with its entry point."""
    version = VERSIONS[chip]
    size = {0x00010000: 0x100, 0x00020300: 0x240}.get(version, 0x200)
    head = bytearray(size)
    at = 0x64 if version == 0x00020300 else 0x44
    head[:4] = b"STM2"
    struct.pack_into("<IIIIIII", head, at, sum(payload) & 0xFFFFFFFF, version, len(payload), load, 0, load, 0)
    if version == 0x00010000:
        struct.pack_into("<II", head, 0x64, 1, 1)
        head[0xFF] = 0x10
    return bytes(head) + payload


def fip(**images):
    """A package of images by the bytes of their UUID."""
    entries, body = b"", b""
    start = 16 + 40 * (len(images) + 1)
    for name, data in images.items():
        entries += bytes.fromhex(name.replace("-", "").replace("_", "")) + struct.pack("<QQQ", start + len(body),
                                                                                       len(data), 0)
        body += data
    end = bytes(16) + struct.pack("<QQQ", start + len(body), 0, 0)
    return struct.pack("<IIQ", 0xAA640001, 0x12345678, 0) + entries + end + body


def gpt(size, parts):
    """A disk of `size` bytes with a GPT: [(name, first, last, data)], sectors of 512 bytes."""
    disk = bytearray(size)
    entries = bytearray(128 * 128)
    for number, (name, first, last, data) in enumerate(parts):
        struct.pack_into("<16s16sQQQ72s", entries, 128 * number,
                         uuid.UUID("0fc63daf-8483-4772-8e79-3d69d8477de4").bytes_le, uuid.UUID(int=number + 1).bytes_le,
                         first, last, 0, name.encode("utf-16-le"))
        disk[first * 512:first * 512 + len(data)] = data
    last = size // 512 - 1

    def header(own, other, table):
        head = struct.pack("<8sIIIIQQQQ16sQIII", b"EFI PART", 0x10000, 92, 0, 0, own, other, 34, last - 33,
                           uuid.UUID(int=77).bytes_le, table, 128, 128, zlib.crc32(entries))
        return head[:16] + struct.pack("<I", zlib.crc32(head)) + head[20:]

    disk[446:462] = struct.pack("<BBHBBHII", 0, 0, 2, 0xEE, 0xFF, 0xFFFF, 1, last)
    disk[510:512] = b"\x55\xaa"
    disk[512:604], disk[1024:1024 + len(entries)] = header(1, last, 2), entries
    disk[-512:-420], disk[-512 * 33:-512] = header(last, 1, last - 32), entries
    return bytes(disk)


def sdcard(chip="mp15", size=8 * MIB, used=0.4, seed=1):
    """A whole card: fsbl1, fsbl2, fip, and a root file system that is used for its first part."""
    loader = stm32_image(chip, noise(seed, 50000))
    package = fip(**{BL33: noise(seed + 1, 90000), HW_CONFIG: noise(seed + 2, 3000)})
    data = noise(seed + 3, int(size * used))
    last = size // 512 - 34
    return gpt(size, [("fsbl1", 34, 545, loader), ("fsbl2", 546, 1057, loader), ("fip", 1058, 3105, package),
                      ("rootfs", 4096, last, data[:(last - 4095) * 512])])


def write_boot_files(folder, chip="mp15"):
    """tf-a.stm32, fip.bin and, on an MP2, fip-ddr.bin; the lines of a layout for them."""
    (folder / "tf-a.stm32").write_bytes(stm32_image(chip, noise(11, 60000)))
    images = {BL33: noise(12, 200000), HW_CONFIG: noise(13, 30000)}
    lines = ["-\t0x01\tfsbl-boot\tBinary\tnone\t0x0\ttf-a.stm32", "-\t0x03\tfip-boot\tFIP\tnone\t0x0\tfip.bin"]
    if chip.startswith("mp2"):
        images[BL31] = noise(14, 40000)
        (folder / "fip-ddr.bin").write_bytes(fip(**{DDR: noise(15, 20000)}))
        lines.append("-\t0x02\tfip-ddr\tFIP\tnone\t0x0\tfip-ddr.bin")
    (folder / "fip.bin").write_bytes(fip(**images))
    return lines
