# SPDX-License-Identifier: MIT
"""Drivers against behavioural models. The fixture `sim` starts models and ends them after the test."""
import os
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "rig"))

from sim import Sim  # noqa: E402


@pytest.fixture
def sim(tmp_path):
    """sim("dfu", "--alt", "fw=fw.bin") starts aboard-sim in the test's folder and returns a Sim."""
    running = []

    def start(*argv, **more):
        running.append(Sim(*argv, cwd=tmp_path, **more))
        return running[-1]

    yield start
    for model in running:
        model.stop()
