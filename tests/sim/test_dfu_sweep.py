# SPDX-License-Identifier: MIT
"""A fault at every place of a flash over DFU: it is begun anew, and what is there in the end is right."""
import os

import pytest

from test_dfu import lab  # noqa: F401


@pytest.mark.parametrize("uboot", [False, True], ids=["strict", "uboot"])
@pytest.mark.parametrize("kind,places", [("cut", range(1, 5000, 613)), ("stall", range(1, 26, 3)), ("short", range(2, 26, 3))],
                         ids=lambda value: value if isinstance(value, str) else "")
def test_every_place(sim, lab, uboot, kind, places):  # noqa: F811
    argv = ["--uboot", "--transfer-size", "1024"] if uboot else []
    for place in places:
        data = os.urandom(4000)
        model = sim("dfu", *argv, "--fault", f"{kind}@{place}", "--absent", "20ms", "--alt", f"fw=medium{place}")
        lab.board(model)
        lab.flash(lab.file("image", data))
        assert (lab.folder / f"medium{place}").read_bytes() == data, place
        model.stop()
