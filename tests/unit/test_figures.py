"""The benchmarks' tables and picture: what they claim follows from what was measured."""

from xml.etree import ElementTree as ET

import pytest

from benchmarks.figures import Figure, comparison, faster, shown, table, write
from benchmarks.plot import Bars, Line, picture


@pytest.mark.parametrize(
    ("goal", "met"),
    [("≤ 1.15", True), ("≤ 1.05", False), ("≥ 1.1", True), ("≥ 2", False), ("", True)],
)
def test_a_goal_is_about_the_ratio(goal, met):
    figure = Figure("up", 2.2, "bare", 2.0, goal=goal)
    assert figure.met is met
    assert ("✗" in comparison([figure])) is not met


def test_faster_counts_how_often_ours_fits_into_theirs():
    figure = faster("up", 8.0, "stock", 64.0, "≥ 7.5")
    assert figure.counted == 8
    assert figure.met


@pytest.mark.parametrize(
    ("value", "text"), [(0.1234, "0.12"), (12.34, "12.3"), (123.4, "123"), (6416.2, "6,416")]
)
def test_three_digits_are_shown(value, text):
    assert shown(value) == text


def test_columns_of_numbers_are_aligned_to_the_right():
    rule = table(["what", "time", "note"], [["a", "1 s", "x"], ["b", "", "2"]]).splitlines()[1]
    assert rule == "| --- | ---: | --- |"


def test_a_document_takes_a_table_in_its_place_alone(tmp_path):
    document = tmp_path / "figures.md"
    document.write_text("before\n<!-- a -->\nold\n<!-- /a -->\n<!-- b -->\nkept\n<!-- /b -->\n")
    write(document, "a", "| new |")
    assert document.read_text() == (
        "before\n<!-- a -->\n| new |\n<!-- /a -->\n<!-- b -->\nkept\n<!-- /b -->\n"
    )
    with pytest.raises(AssertionError, match="no place for c"):
        write(document, "c", "| new |")


def test_the_picture_holds_every_point_and_bar_inside_its_frame():
    lines = [Line("ours & more", "#1f6feb", [(1, 1.2), (10, 1.4), (1000, 90.0)])]
    values = {"four at once": 64.0, "ours": 8.0, "bare engine": 6.0}
    drawn = ET.fromstring(picture(lines, [Bars("up", values)], title="256 instances"))
    space = "{http://www.w3.org/2000/svg}"
    width, height = map(float, drawn.get("viewBox").split()[2:])
    paths = [path.get("d") for path in drawn.iter(f"{space}path") if path.get("stroke")]
    points = [pair for path in paths if "L" in path for pair in path[1:].split("L")]
    assert len(points) == 3
    assert all(0 < float(x) < width and 0 < float(y) < height for x, y in map(str.split, points))
    heights = {
        rectangle.get("fill"): float(rectangle.get("height"))
        for rectangle in list(drawn.iter(f"{space}rect"))[:3]
    }
    assert heights["#d29922"] / heights["#1f6feb"] == pytest.approx(8, rel=0.01)
    assert "ours & more" in {text.text for text in drawn.iter(f"{space}text")}
