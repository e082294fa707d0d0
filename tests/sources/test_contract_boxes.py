"""Every source of box scores and props keeps the contract: the same bytes give the same batch, without findings."""

import pandas as pd
import pytest

from tests.sources import layouts_boxes, layouts_players, malformed

LAYOUTS = [*layouts_boxes.LAYOUTS, *layouts_players.LAYOUTS]


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: f"{layout.source} {layout.file}")
def test_a_good_file_read_twice_is_the_same_batch_and_keeps_the_contract(layout):
    content = layout.content(layout.rows(3))
    before = content if isinstance(content, bytes) else dict(content)
    first, second = layout.read(content), layout.read(content)
    assert content == before
    layout.check(first)
    assert first.findings == second.findings == ()
    assert len(layout.keys(first)) == 3
    for name in malformed.FRAMES:
        if hasattr(first, name):
            pd.testing.assert_frame_equal(getattr(first, name), getattr(second, name))
