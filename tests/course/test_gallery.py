"""README's gallery shows what the lessons store, and no other picture."""
import gallery
import pytest
from nb import ROOT


@pytest.mark.parametrize("number", gallery.PICTURES)
def test_each_picture_is_the_stored_one(number):
    png, alt, stem = gallery.picture(number, gallery.PICTURES[number])
    same = (gallery.FOLDER / f"{number}.png").read_bytes() == png
    assert same, "run: python tools/gallery.py"     # pytest would seek the difference for minutes
    assert len(alt.split()) > 4 and stem.startswith(number)


def test_readme_shows_the_table_and_the_folder_holds_nothing_else():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert gallery.table() in readme, "paste what tools/gallery.py prints"
    assert {path.stem for path in gallery.FOLDER.iterdir()} == set(gallery.PICTURES)


def test_a_picture_that_is_not_there_is_named():
    with pytest.raises(KeyError, match="05_transport.* 0 pictures"):
        gallery.picture("05", "No such alt text")
    with pytest.raises(KeyError, match="pictures whose alt text"):
        gallery.picture("05", "Left")
