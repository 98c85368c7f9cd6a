# SPDX-License-Identifier: Apache-2.0

"""What the cases share."""

import io
import tarfile
import time

from docker.errors import APIError


IMAGE = "box:1"
OTHER = "box-other:1"


def sleeper(client, **options):
    """A container that runs until it is told to end, and then ends at once."""
    command = ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.1; done"]
    return client.containers.run(IMAGE, command, detach=True, **options)


def raises(kind, call, *args, **options):
    """The error of exactly this class that a call must raise."""
    try:
        call(*args, **options)
    except Exception as error:  # Its class is what is looked at.
        assert type(error) is kind, f"{type(error).__name__}, not {kind.__name__}: {error}"
        return error
    raise AssertionError(f"no {kind.__name__}")


def api_error(status, call, *args, **options):
    """An error of the engine, with its status; for some dockerd 20.10 still said 500."""
    wanted = status if isinstance(status, tuple) else (status,)
    error = raises(APIError, call, *args, **options)
    assert error.status_code in wanted, f"{error.status_code}, not {status}: {error}"
    assert error.explanation, "no explanation"
    return error


def eventually(check, seconds=15):
    end = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.05)


def tar_of(**files):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text))
    return buffer.getvalue()


def same(got, want):
    assert got == want, f"got {got!r}, want {want!r}"
