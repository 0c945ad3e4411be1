"""An image of the process runtime: found without being imported, identified by its bytes."""

from pathlib import Path

import pytest

from hanse_node.runtimes.base import ImageMissing
from hanse_node.runtimes.process.images import Images, ProcessImage


@pytest.fixture
def package(python: Path, tmp_path: Path) -> Path:
    """Make a package importable that leaves a trace when it is imported."""
    folder = tmp_path / "source" / "tracing_algorithm"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text(f"open({str(tmp_path / 'imported')!r}, 'w')\n")
    library = next((python.parent.parent / "lib").glob("*/site-packages"))
    link = library / "tracing.pth"
    link.write_text(f"{tmp_path / 'source'}\n")
    return folder


def images(python: Path, **options: object) -> Images:
    return Images({"t": ProcessImage("tracing_algorithm", str(python), **options)})  # type: ignore[arg-type]


async def test_resolving_does_not_import_the_package(python: Path, package: Path, tmp_path: Path) -> None:
    await images(python).digest("t")
    assert not (tmp_path / "imported").exists()


async def test_resolving_compiles_the_package_so_that_no_run_has_to(python: Path, package: Path) -> None:
    before = await images(python).digest("t")
    assert list((package / "__pycache__").glob("*.pyc"))
    assert await images(python).digest("t") == before


async def test_a_changed_byte_is_another_digest(python: Path, package: Path) -> None:
    known = images(python)
    first = await known.digest("t")
    (package / "part.py").write_text("x = 1\n")
    second = await known.digest("t")
    (package / "part.py").write_text("x = 2\n")
    third = await known.digest("t")
    assert len({first, second, third}) == 3
    assert await images(python).digest("t") == third


async def test_another_command_is_another_digest(python: Path, package: Path) -> None:
    command = ("python", "-c", "from vantage6.algorithm.tools.wrap import wrap_algorithm; wrap_algorithm()")
    assert await images(python).digest("t") != await images(python, command=command).digest("t")


async def test_a_package_that_is_not_installed_is_named_with_the_remedy(python: Path) -> None:
    known = Images({"t": ProcessImage("no_such_algorithm", str(python))})
    with pytest.raises(ImageMissing, match=r"'no_such_algorithm' of the image 't' is not installed for .*install it"):
        await known.digest("t")


async def test_a_package_is_found_once_it_is_installed(python: Path, tmp_path: Path) -> None:
    known = Images({"t": ProcessImage("late_algorithm", str(python))})
    with pytest.raises(ImageMissing):
        await known.digest("t")
    library = next((python.parent.parent / "lib").glob("*/site-packages"))
    (library / "late_algorithm.py").write_text("")
    assert (await known.digest("t")).startswith("sha256:")
    (library / "late_algorithm.py").unlink()
    with pytest.raises(ImageMissing):
        await known.digest("t")


async def test_a_python_that_cannot_be_started_is_named() -> None:
    with pytest.raises(ImageMissing, match=r"Python of the image 't' cannot be started.*/no/python"):
        await Images({"t": ProcessImage("x", "/no/python")}).digest("t")


async def test_a_python_that_fails_is_quoted() -> None:
    with pytest.raises(ImageMissing, match=r"Python of the image 't' \(/bin/false\)"):
        await Images({"t": ProcessImage("x", "/bin/false")}).digest("t")


def test_the_word_python_in_a_command_means_the_images_python() -> None:
    assert ProcessImage("x", "/opt/py").arguments() == ["/opt/py", "-m", "hanse_algorithm"]
    assert ProcessImage("x", "/opt/py", ("Rscript", "a.R")).arguments() == ["Rscript", "a.R"]
