"""Names of images, and what is configured for them."""

import pytest

from hanse_node.docker_settings import Docker, Registry
from hanse_node.runtimes.base import ImageMissing, Limits
from hanse_node.runtimes.docker.containers import ceilings, confinement
from hanse_node.runtimes.docker.hints import explain
from hanse_node.runtimes.docker.networks import Network
from hanse_node.runtimes.docker.references import ImageName

DIGEST = "sha256:" + "a" * 64
NETWORK = Network("n", "h1-0", "10.0.0.1", "10.0.0.0/29")


@pytest.mark.parametrize(
    ("text", "registry", "tagged"),
    [
        ("hanse/summary", "docker.io", "hanse/summary:latest"),
        ("docker.io/library/alpine:3", "docker.io", "alpine:3"),
        ("ghcr.io/team/algo:1.0", "ghcr.io", "ghcr.io/team/algo:1.0"),
        ("localhost:5000/algo", "localhost:5000", "localhost:5000/algo:latest"),
        (f"harbor.example/p/a:2@{DIGEST}", "harbor.example", "harbor.example/p/a:2"),
    ],
)
def test_a_name_is_read_as_the_engine_reads_it(text: str, registry: str, tagged: str) -> None:
    name = ImageName.parse(text)
    assert (name.registry, name.tagged) == (registry, tagged)
    assert name.digest == (DIGEST if "@" in text else None)
    assert name.pinned(DIGEST) == f"{name.repository}@{DIGEST}"


@pytest.mark.parametrize("text", ["", "a b", "-x/y", "x@md5:" + "a" * 32, "x:" + "t" * 200, "x/../y", "x\n"])
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(ImageMissing):
        ImageName.parse(text)


def test_an_image_goes_by_the_names_it_has_only() -> None:
    found = {"RepoTags": ["team/a:1"], "RepoDigests": [f"team/b@{DIGEST}"]}
    assert ImageName.parse("team/a:1").names(found)
    assert ImageName.parse("team/b:9").names(found)
    assert not ImageName.parse("team/a:2").names(found)
    assert not ImageName.parse("team/c:1").names(found)


def test_the_first_pattern_that_covers_an_image_counts() -> None:
    docker = Docker.model_validate(
        {"images": {"old/special:*": {"capabilities": "CAP_CHOWN"}, "old/*": {"profile": "v4"}}}
    )
    assert docker.rules("old/special:1").profile == "strict"
    assert docker.rules("old/special:1").capabilities == ("CHOWN",)
    assert docker.rules("old/other:1").profile == "v4"
    assert docker.rules("new/other:1").profile == "strict"


def test_what_the_policy_says_about_an_image_counts_before_the_settings_of_the_engine() -> None:
    docker = Docker.model_validate({"images": {"old/*": {"profile": "v4", "capabilities": "CHOWN"}}})
    assert docker.rules_for("old/x", "strict", ("KILL",)).profile == "strict"
    assert docker.rules_for("old/x", None, ("KILL",)).capabilities == ("CHOWN", "KILL")
    assert docker.rules_for("old/x", None, ()).profile == "v4"
    assert docker.rules_for("new/x", None, ()).profile == "strict"


@pytest.mark.parametrize("name", ["SYS_ADMIN", "ALL", "NET_RAW", "cap_sys_ptrace"])
def test_no_capability_that_leads_out_of_a_container_can_be_given(name: str) -> None:
    with pytest.raises(ValueError, match="cannot be given to an algorithm"):
        Docker.model_validate({"images": {"x": {"capabilities": name}}})


def test_whatever_the_profile_nothing_is_privileged() -> None:
    for profile in ("strict", "v4"):
        docker = Docker.model_validate({"profile": profile})
        host = confinement(docker, docker.rules("x"), NETWORK)
        assert host["CapDrop"] == ["ALL"]
        assert host["CapAdd"] == []
        assert host["SecurityOpt"] == ["no-new-privileges"]
        assert host["NetworkMode"] == "n"


def test_memory_is_limited_without_swap() -> None:
    assert ceilings(Limits(memory_bytes=5), in_sandbox=False)["MemorySwap"] == 5


def test_under_gvisor_the_sandbox_has_room_and_the_run_its_own_limit() -> None:
    limited = ceilings(Limits(processes=10), in_sandbox=True)
    assert limited["PidsLimit"] > 100
    assert {"Name": "nproc", "Soft": 10, "Hard": 10} in limited["Ulimits"]


def test_a_registry_is_known_by_its_host() -> None:
    registry = Registry.model_validate({"registry": "https://harbor.example/v2", "username": "u", "password": "p"})
    assert registry.host == "harbor.example"
    assert "p" not in repr(registry.password)


@pytest.mark.parametrize("passwords", [{}, {"password": "p", "password_file": "/f"}])
def test_a_registry_has_one_password(passwords: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="exactly one of password and password_file"):
        Registry.model_validate({"registry": "r", "username": "u", **passwords})


@pytest.mark.parametrize(
    ("printed", "told"),
    [
        (b"OSError: [Errno 30] Read-only file system: '/x'", "profile 'strict'"),
        (b"PermissionError: [Errno 13] Permission denied", "profile 'strict'"),
        (b"RuntimeError: can't start new thread", "limits.processes"),
        (b"OSError: [Errno 28] No space left on device", "docker.scratch_bytes"),
        (b"socket.gaierror: Temporary failure in name resolution", "proxy only"),
    ],
)
def test_known_failures_are_explained(printed: bytes, told: str) -> None:
    assert told in explain(b"noise\n" + printed, "strict")


def test_what_is_unknown_gets_no_explanation() -> None:
    assert explain(b"ValueError: Anna Bloom", "strict") == ""


def test_the_gateway_is_no_container() -> None:
    assert NETWORK.has("10.0.0.2")
    assert not NETWORK.has("10.0.0.1")
    assert not NETWORK.has("10.0.1.2")
