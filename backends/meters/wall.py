"""Wall meters on the local network: Shelly sockets from the second generation on, and what runs Tasmota.

Not yet seen on hardware. Both answer one plain HTTP request with their power and their own energy counter. The power
is integrated, for the counter's steps are coarse; the counter stands beside it as a second opinion.

http.client asks rather than urllib: it follows no redirect and no proxy variable, and shows its socket, so that an
answer that drips can be cut off.
"""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from http.client import HTTPConnection, HTTPException
from typing import Any

from backends.base import Metering, Missing
from backends.meters import UnknownMeter
from backends.meters.base import Description, MeterLost, now_ns
from backends.meters.sampled import CounterMeter, PowerMeter, Shared

TIMEOUT_S = 1.0  # for the whole exchange, however it drips
SLOW_S = 0.5  # an answer slower than this says too little about when it was true
REUSE_S = 0.2  # the devices have a new power about once a second
MOST_BYTES = 64 * 1024
MOST_POWER_W = 100_000.0  # more than any socket gives

_MOST_ENERGY = 1e9  # Wh or kWh: more than a socket gives in a century
_UJ_PER_WH = 3_600_000_000
_HOST = re.compile(r"([\w.-]+|\[[0-9a-fA-F:.]+\])(:\d{1,5})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a wall meter says of one moment."""

    power_w: float
    counted_uj: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A make of wall meter: where it answers, and where in its answer the numbers stand."""

    name: str
    path: str
    power: tuple[str, ...]
    energy: tuple[str, ...]
    uj_per_unit: int  # of the energy
    resolution_uj: int  # both show their energy with three decimals
    sources: tuple[str, str]  # of the power and of the energy


SHELLY = Kind(
    name="shelly",
    path="/rpc/Switch.GetStatus?id=0",
    power=("apower",),
    energy=("aenergy", "total"),
    uj_per_unit=_UJ_PER_WH,
    resolution_uj=_UJ_PER_WH // 1_000,
    sources=("shelly.apower", "shelly.aenergy"),
)
SHELLY_WITHOUT_SWITCH = replace(SHELLY, path="/rpc/PM1.GetStatus?id=0")
TASMOTA = Kind(
    name="tasmota",
    path="/cm?cmnd=Status%208",
    power=("StatusSNS", "ENERGY", "Power"),
    energy=("StatusSNS", "ENERGY", "Total"),
    uj_per_unit=_UJ_PER_WH * 1_000,
    resolution_uj=_UJ_PER_WH,
    sources=("tasmota.power", "tasmota.total"),
)


def open_shelly(host: str) -> Metering:
    """A socket with a switch and a meter, or a meter alone. UnknownMeter when `host` is no host."""
    return open_meters(host, SHELLY, SHELLY_WITHOUT_SWITCH)


def open_tasmota(host: str) -> Metering:
    """UnknownMeter when `host` is no host."""
    return open_meters(host, TASMOTA)


def open_meters(host: str, *kinds: Kind, clock: Callable[[], int] = now_ns) -> Metering:
    """The meters of the first kind that answers as it should; UnknownMeter when `host` is no host."""
    check_host(host, kinds[0].name)
    problems: list[str] = []
    for kind in kinds:
        device = Shared(_asking(host, kind), reuse_s=REUSE_S, slow_s=SLOW_S, clock=clock)
        try:
            device.latest()
        except MeterLost as lost:
            problems.append(str(lost))
        else:
            return Metering(meters=_meters(kind, device))
    return Metering(missing=(_unreachable(kinds[0], "; ".join(dict.fromkeys(problems))),))


def check_host(host: str, name: str) -> None:
    """UnknownMeter when `host` is none that a meter of this name could be asked at. Asks nothing."""
    if not _HOST.fullmatch(host) or not _port_exists(host):
        raise UnknownMeter(f"{name} needs a host and no more, as in {name}:192.168.1.20 or {name}:HOST:PORT.")


def _port_exists(host: str) -> bool:
    port = host.rpartition("]")[2].partition(":")[2]
    return not port or 0 < int(port) < 65_536


def _asking(host: str, kind: Kind) -> Callable[[], Answer]:
    return lambda: understood(fetch(host, kind.path), kind)


def _unreachable(kind: Kind, problem: str) -> Missing:
    return Missing(
        code="wall_unreachable",
        reason=f"The wall meter gives no power: {problem}.",
        cure=f"With its address for HOST, see what it says: curl 'http://HOST{kind.path}'",
    )


def _meters(kind: Kind, device: Shared[Answer]) -> tuple[PowerMeter, CounterMeter]:
    """No maker's statement of accuracy could be cited, so `calibration` stays None."""
    power_source, counter_source = kind.sources
    power = Description(domain="wall", boundary="wall", method="integrated", source=power_source)
    counter = Description(
        domain="wall",
        boundary="wall",
        method="counter",
        source=counter_source,
        check=True,
        resolution_uj=kind.resolution_uj,
    )
    return (
        PowerMeter(power, lambda: device.part(lambda answer: answer.power_w)),
        CounterMeter(counter, lambda: device.part(lambda answer: answer.counted_uj), most_power_w=MOST_POWER_W),
    )


def understood(body: bytes, kind: Kind) -> Answer:
    """The power and the energy in an answer. MeterLost when it is none, or says what no socket can draw."""
    try:
        document = json.loads(body, parse_int=float)
    except (ValueError, RecursionError) as error:
        raise MeterLost("the answer is no JSON") from error
    energy = _number(document, kind.energy, most=_MOST_ENERGY)
    return Answer(
        power_w=_number(document, kind.power, most=MOST_POWER_W),
        counted_uj=round(energy * kind.uj_per_unit),
    )


def _number(document: Any, keys: tuple[str, ...], *, most: float) -> float:
    name = ".".join(keys)
    for key in keys:
        if not isinstance(document, dict) or key not in document:
            raise MeterLost(f"the answer has no {name}")
        document = document[key]
    if not isinstance(document, float):
        raise MeterLost(f"{name} is no number")
    if not 0 <= document <= most:  # false for NaN too
        raise MeterLost(f"{name} is {document:g}, which no socket can draw")
    return document


def fetch(host: str, path: str) -> bytes:
    """The body of one GET over plain HTTP. MeterLost unless it is a whole 200 of bearable length in time."""
    connection = HTTPConnection(host, timeout=TIMEOUT_S)
    try:
        connection.connect()
        with _cut_off(connection.sock):
            connection.request("GET", path, headers={"Connection": "close"})
            response = connection.getresponse()
            if response.status != 200:
                raise MeterLost(_refusal(response.status))
            body = response.read(MOST_BYTES + 1)
    except (OSError, HTTPException) as error:
        raise MeterLost(f"no answer ({_in_short(error)})") from error
    finally:
        connection.close()
    if len(body) > MOST_BYTES:
        raise MeterLost("the answer is longer than 64 KiB")
    if response.length:  # what is still to come when nothing comes any more
        raise MeterLost("the answer ends before its end")
    return body


def _refusal(status: int) -> str:
    if status == 401:
        return "it asks for a password, which Joulemark does not send"
    return "it sends the question elsewhere" if 300 <= status < 400 else f"it answers HTTP {status}"


def _in_short(error: OSError | HTTPException) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or type(error).__name__


@contextmanager
def _cut_off(sock: socket.socket) -> Iterator[None]:
    """Ends the exchange in time: a socket's own timeout begins again with every byte that drips in."""
    timer = threading.Timer(TIMEOUT_S, _hang_up, [sock])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _hang_up(sock: socket.socket) -> None:
    with suppress(OSError):  # it was closed in the meantime
        sock.shutdown(socket.SHUT_RDWR)
