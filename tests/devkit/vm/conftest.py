from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.devkit.vm.device import Device


@pytest.fixture
def make_device(tmp_path: Path, runtime: str) -> Iterator[Callable[..., Device]]:
    made = []

    def make(**options) -> Device:
        made.append(Device(tmp_path / f"flash{len(made)}", runtime=runtime, **options))
        return made[-1]

    yield make
    for device in made:
        device.vm.shutdown()


@pytest.fixture
def device(make_device: Callable[..., Device]) -> Device:
    return make_device()
