# SPDX-License-Identifier: Apache-2.0

"""Cases of containers."""

import threading
import time

import docker
import requests
from docker.errors import APIError, ContainerError, ImageNotFound, NotFound

from common import IMAGE, api_error, eventually, raises, same, sleeper


def run_output(client):
    """run gives the output, of stdout and of stderr"""
    both = ["sh", "-c", "echo out; echo err >&2"]
    same(client.containers.run(IMAGE, both, remove=True), b"out\n")
    same(client.containers.run(IMAGE, both, remove=True, stdout=False, stderr=True), b"err\n")
    lines = client.containers.run(IMAGE, both, remove=True, stderr=True).splitlines()
    same(sorted(lines), [b"err", b"out"])
    streamed = client.containers.run(IMAGE, ["seq", "3"], remove=True, stream=True)
    same(b"".join(streamed), b"1\n2\n3\n")
    output = client.containers.run(
        IMAGE,
        "sh -c 'echo $A; pwd; id -u; hostname'",
        remove=True,
        environment={"A": "b c"},
        working_dir="/data",
        user="ada",
        hostname="me",
        network_mode="none",
        mem_limit="64m",
        read_only=True,
        tmpfs={"/scratch": ""},
        labels=["l"],
        cap_drop=["ALL"],
    )
    same(output, b"b c\n/data\n1000\nme\n")
    same(client.containers.list(all=True), [])


def run_errors(client):
    """run of a failing command is a ContainerError; of an unknown program an APIError"""
    error = raises(
        ContainerError,
        client.containers.run,
        IMAGE,
        ["sh", "-c", "echo why >&2; exit 7"],
        remove=True,
    )
    same((error.exit_status, error.stderr), (7, b"why\n"))
    api_error(400, client.containers.run, IMAGE, ["/no/such/program"], remove=True)
    # docker-py pulls what is not there, which can't succeed here: nobody has it.
    raised = None
    try:
        client.containers.run("nobody/has:this", "true")
    except Exception as error:
        raised = error
    assert isinstance(raised, APIError), repr(raised)
    for container in client.containers.list(all=True):
        container.remove(force=True)


def lifecycle(client):
    """create, start, pause, unpause, stop, restart, kill, rename, update, remove"""
    container = client.containers.create(
        IMAGE, ["sh", "-c", "trap 'exit 3' TERM; while :; do sleep 0.1; done"], name="first"
    )
    same((container.name, container.status), ("first", "created"))
    container.start()
    container.start()
    container.reload()
    same(container.status, "running")
    container.pause()
    container.reload()
    same(container.status, "paused")
    container.unpause()
    container.rename("second")
    same(client.containers.get("second").id, container.id)
    container.restart(timeout=5)
    container.reload()
    same(container.status, "running")
    container.update(mem_limit=64 << 20, memswap_limit=-1)
    container.reload()
    same(container.attrs["HostConfig"]["Memory"], 64 << 20)
    time.sleep(0.3)
    container.stop(timeout=5)
    container.stop()
    container.reload()
    same((container.status, container.attrs["State"]["ExitCode"]), ("exited", 3))
    container.start()
    container.kill("SIGKILL")
    same(container.wait()["StatusCode"], 137)
    container.remove()
    raises(NotFound, client.containers.get, container.id)


def listing(client):
    """list containers, with filters, limit, since and before"""
    one = sleeper(client, name="one", labels={"kind": "one", "team": "a"})
    two = client.containers.run(IMAGE, "true", detach=True, name="two")
    two.wait()
    names = lambda **options: [each.name for each in client.containers.list(**options)]
    same(names(), ["one"])
    same(names(all=True), ["two", "one"])
    same(len(client.containers.list(all=True, sparse=True)), 2)
    same(names(limit=1), ["two"])
    same(names(all=True, filters={"since": "one"}), ["two"])
    same(names(all=True, filters={"before": "two"}), ["one"])
    same(names(filters={"status": "exited"}), ["two"])
    same(names(filters={"label": ["kind=one", "team"]}), ["one"])
    same(names(filters={"label": "kind=two"}), [])
    same(names(all=True, filters={"name": "t"}), ["two"])
    same(names(all=True, filters={"ancestor": IMAGE}), ["two", "one"])
    same(names(all=True, filters={"exited": 0}), ["two"])
    same(names(filters={"id": one.id}), ["one"])
    api_error(400, client.containers.list, filters={"nonsense": "x"})
    one.remove(force=True)
    two.remove()


def wait(client):
    """wait: exit code, conditions, and the client's own time limit"""
    container = client.containers.run(IMAGE, ["sh", "-c", "sleep 0.3; exit 9"], detach=True)
    same(container.wait()["StatusCode"], 9)
    same(container.wait()["StatusCode"], 9)
    container.remove()
    container = sleeper(client, auto_remove=True)
    try:
        container.wait(timeout=1)
        raise AssertionError("it did not time out")
    except (requests.exceptions.ReadTimeout, requests.exceptions.ConnectionError):
        pass
    results = []
    waiter = threading.Thread(target=lambda: results.append(container.wait(condition="removed")))
    waiter.start()
    time.sleep(0.3)
    container.stop(timeout=5)
    waiter.join(15)
    same([result["StatusCode"] for result in results], [0])
    raises(NotFound, client.containers.get, container.id)


def facts(client):
    """top, stats, attributes of a running container"""
    container = sleeper(client, ports={"80/tcp": ("127.0.0.1", 0)})
    top = container.top(ps_args="-o pid,comm")
    same((top["Titles"], len(top["Processes"]) >= 1), (["PID", "COMMAND"], True))
    stats = container.stats(stream=False)
    same((stats["memory_stats"]["usage"] > 0, stats["pids_stats"]["current"] >= 1), (True, True))
    stream = container.stats(stream=True, decode=True)
    first, second = next(stream), next(stream)
    same(second["read"] > first["read"], True)
    stream.close()
    container.reload()
    same(container.attrs["State"]["Running"], True)
    same(container.image.tags, [IMAGE])
    same(container.ports["80/tcp"][0]["HostIp"], "127.0.0.1")
    container.remove(force=True)


def health(client):
    """a health check runs, and what it found is told"""
    container = sleeper(
        client,
        healthcheck={
            "test": ["CMD", "test", "-e", "/data/well"],
            "interval": 300_000_000,
            "retries": 1,
        },
    )
    health = lambda: client.containers.get(container.id).attrs["State"]["Health"]["Status"]
    eventually(lambda: health() == "unhealthy")
    container.exec_run("touch /data/well")
    eventually(lambda: health() == "healthy")
    container.remove(force=True)


def errors(client):
    """errors have docker-py's classes and Docker's status codes"""
    error = raises(NotFound, client.containers.get, "nobody")
    same(error.explanation, "No such container: nobody")
    same((error.is_client_error(), error.is_server_error(), error.status_code), (True, False, 404))
    raises(NotFound, client.networks.get, "nobody")
    raises(NotFound, client.volumes.get, "nobody")
    raises(ImageNotFound, client.containers.create, "nobody/has:this")
    container = sleeper(client, name="taken")
    error = api_error(409, client.containers.create, IMAGE, name="taken")
    assert error.explanation.startswith(
        'Conflict. The container name "/taken" is already in use'
    ), error.explanation
    api_error(409, container.remove)
    api_error((409, 500), container.unpause)
    api_error(400, client.containers.create, IMAGE, name="no/slash")
    api_error(400, container.kill, "SIGNONSENSE")
    container.stop(timeout=5)
    api_error(409, container.kill)
    api_error(409, container.exec_run, "true")
    api_error(409, client.images.remove, client.images.get(IMAGE).id)
    container.remove()
    raises(docker.errors.NullResource, client.containers.get, "")


def many_at_once(client):
    """twenty clients at once"""
    outputs = []

    def work(number):
        own = docker.DockerClient.from_env(timeout=120)
        outputs.append(
            own.containers.run(IMAGE, ["echo", str(number)], remove=True, network_mode="none")
        )
        own.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    same(sorted(int(output) for output in outputs), list(range(20)))
    same(client.containers.list(all=True), [])
