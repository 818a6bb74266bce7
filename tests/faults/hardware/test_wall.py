"""Wall meters on a real HTTP server that answers as the makers document, and then no longer does."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from backends import meters
from backends.base import Metering
from backends.meters import wall
from backends.meters.base import CounterReset, Meter, MeterLost

SWITCH = "/rpc/Switch.GetStatus?id=0"
PM1 = "/rpc/PM1.GetStatus?id=0"
STATUS_8 = "/cm?cmnd=Status%208"


def shelly(power: Any = 100.0, total: Any = 6.532) -> str:
    """As the reference of Shelly's RPC shows it."""
    energy = {"total": total, "by_minute": [45.199, 47.141, 88.397], "minute_ts": 1626935779}
    status = {"id": 0, "source": "WS_in", "output": True, "apower": power, "voltage": 225.9, "current": 0.4}
    return json.dumps(status | {"aenergy": energy, "temperature": {"tC": 53.3, "tF": 127.9}})


def tasmota(power: Any = 100, total: Any = 3.705) -> str:
    energy = {"TotalStartTime": "2020-10-21T22:15:00", "Total": total, "Today": 0.026, "Power": power, "Factor": 1.0}
    return json.dumps({"StatusSNS": {"Time": "2022-01-11T21:57:38", "ENERGY": energy}})


class Device:
    """What stands behind the socket: its answers may be changed while it runs."""

    def __init__(self, port: int) -> None:
        self.host = f"127.0.0.1:{port}"
        self.bodies: dict[str, str | bytes] = {}
        self.status, self.headers = 200, {"Content-Type": "application/json"}
        self.claimed_length: int | None = None
        self.drip_s = self.silent_s = 0.0
        self.requests: list[str] = []

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        self.requests.append(handler.path)
        time.sleep(self.silent_s)
        body = self.bodies.get(handler.path, "")
        data = body if isinstance(body, bytes) else body.encode()
        handler.send_response(self.status if handler.path in self.bodies else 404)
        for name, value in self.headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(self.claimed_length or len(data)))
        handler.end_headers()
        for part in [data] if not self.drip_s else [data[at : at + 1] for at in range(len(data))]:
            handler.wfile.write(part)
            time.sleep(self.drip_s)


@pytest.fixture
def device() -> Iterator[Device]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            try:
                described.answer(self)
            except OSError:
                self.close_connection = True  # the meter hung up, as it should on some

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    described = Device(server.server_port)
    described.bodies[SWITCH] = shelly()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield described
    server.shutdown()
    server.server_close()
    thread.join()


class Clock:
    """Moves on only when told to, so that nothing is reused and nothing is slow."""

    def __init__(self) -> None:
        self.now_ns = 0

    def __call__(self) -> int:
        return self.now_ns

    def forward(self, seconds: float = 1.0) -> None:
        self.now_ns += int(seconds * 1e9)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def opened(device: Device, clock: Clock) -> tuple[Meter, Meter]:
    power, counter = wall.open_meters(device.host, wall.SHELLY, clock=clock).meters
    power.read(), counter.read()
    clock.forward()
    return power, counter


def missing(metering: Metering) -> str:
    assert metering.meters == ()
    (one,) = metering.missing
    assert one.code == "wall_unreachable"
    return one.reason


def test_a_shelly_gives_its_power_and_as_a_second_opinion_its_counter(device: Device) -> None:
    power, counter = meters.open_named(f"shelly:{device.host}").meters
    assert (power.description.source, power.description.method, power.description.check) == (
        "shelly.apower",
        "integrated",
        False,
    )
    assert (counter.description.source, counter.description.method, counter.description.check) == (
        "shelly.aenergy",
        "counter",
        True,
    )
    assert {one.description.boundary for one in (power, counter)} == {"wall"}
    assert counter.description.resolution_uj == 3_600_000
    assert power.description.calibration is None
    assert power.read().power_w == 100.0


def test_a_shelly_without_a_switch_is_asked_for_its_meter(device: Device) -> None:
    device.bodies = {PM1: shelly(power=12.5)}
    power, _ = meters.open_named(f"shelly:{device.host}").meters
    assert power.read().power_w == 12.5


def test_tasmota_gives_kilowatt_hours(device: Device, clock: Clock) -> None:
    device.bodies = {STATUS_8: tasmota(total=3.705)}
    power, counter = wall.open_meters(device.host, wall.TASMOTA, clock=clock).meters
    assert (power.description.source, counter.description.source) == ("tasmota.power", "tasmota.total")
    assert counter.description.resolution_uj == 3_600_000_000
    counter.read()
    device.bodies = {STATUS_8: tasmota(total=3.706)}
    clock.forward(36)
    assert counter.read().energy_uj == 3_600_000_000
    assert power.read().power_w == 100


@pytest.mark.parametrize("power_w", [0.0, 61.25, 1_875.5])
def test_both_methods_give_power_times_time(device: Device, clock: Clock, power_w: float) -> None:
    device.bodies[SWITCH] = shelly(power=power_w, total=1_000.0)
    power, counter = opened(device, clock)
    for second in range(1, 61):
        device.bodies[SWITCH] = shelly(power=power_w, total=round(1_000 + power_w * second / 3_600, 3))
        integrated, counted = power.read(), counter.read()
        clock.forward()
    assert integrated.energy_uj == pytest.approx(power_w * 60 * 1e6)
    assert counted.energy_uj == pytest.approx(power_w * 60 * 1e6, abs=3_600_000)
    assert integrated.at_ns == counted.at_ns


def test_one_request_serves_both_meters(device: Device, clock: Clock) -> None:
    power, counter = opened(device, clock)
    asked = len(device.requests)
    power.read(), counter.read(), power.read()
    assert len(device.requests) == asked + 1
    clock.forward(wall.REUSE_S)
    counter.read()
    assert len(device.requests) == asked + 2


def test_the_instant_is_the_middle_of_the_request(device: Device) -> None:
    device.silent_s = 0.3
    power, _ = meters.open_named(f"shelly:{device.host}").meters
    time.sleep(wall.REUSE_S)
    before_ns = time.monotonic_ns()
    at_ns = power.read().at_ns
    assert (at_ns - before_ns) / 1e9 == pytest.approx(0.15, abs=0.1)


def test_a_proxy_of_the_environment_is_not_asked(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert meters.open_named(f"shelly:{device.host}").meters


def hung(device: Device) -> None:
    device.silent_s = 30


def dripping(device: Device) -> None:
    device.drip_s = 0.05


def truncated(device: Device) -> None:
    device.bodies[SWITCH] = shelly()[:-30]


def cut_off(device: Device) -> None:
    device.claimed_length = 10_000


def huge(device: Device) -> None:
    device.bodies[SWITCH] = shelly() + " " * wall.MOST_BYTES


def deep(device: Device) -> None:
    device.bodies[SWITCH] = "[" * 60_000


def redirected(device: Device) -> None:
    device.status, device.headers = 302, {"Location": f"http://{device.host}/elsewhere"}
    device.bodies["/elsewhere"] = shelly()


def status(code: int) -> Callable[[Device], None]:
    def spoil(device: Device) -> None:
        device.status = code

    return spoil


def body(text: str | bytes) -> Callable[[Device], None]:
    def spoil(device: Device) -> None:
        device.bodies[SWITCH] = text

    return spoil


def fault(spoil: Callable[[Device], None], says: str, name: str) -> Any:
    return pytest.param(spoil, says, marks=pytest.mark.fault(name, "meter_lost"), id=name)


FAULTS = [
    fault(hung, "no answer|took", "wall meter hangs"),
    fault(dripping, "ends before its end|took", "wall meter drips its answer byte by byte"),
    fault(status(500), "HTTP 500", "wall meter answers HTTP 500"),
    fault(status(401), "password", "wall meter asks for a password"),
    fault(redirected, "elsewhere", "wall meter redirects to another address"),
    fault(body("<html>router login</html>"), "no JSON", "something else answers at the wall meter's address"),
    fault(body(b"\xff\xfe\x00{"), "no JSON", "wall meter answers in bytes that are no text"),
    fault(body(""), "no JSON", "wall meter answers nothing"),
    fault(truncated, "no JSON", "wall meter's JSON is truncated"),
    fault(cut_off, "ends before its end", "wall meter sends less than it announced"),
    fault(huge, "64 KiB", "wall meter's answer is huge"),
    fault(deep, "no JSON", "wall meter's answer is nested without end"),
    fault(body("[1, 2]"), "has no aenergy.total", "wall meter answers with a list"),
    fault(body('{"apower": 100.0}'), "has no aenergy.total", "wall meter without an energy counter"),
    fault(
        body('{"apower": 1.0, "aenergy": 5}'), "has no aenergy.total", "wall meter's counter is not where it belongs"
    ),
    fault(body('{"aenergy": {"total": 1.0}}'), "has no apower", "wall meter without a power"),
    fault(body(shelly(power="100")), "apower is no number", "wall meter gives its power as text"),
    fault(body(shelly(power=True)), "apower is no number", "wall meter gives its power as a truth value"),
    fault(body(shelly(power=None)), "apower is no number", "wall meter gives its power as null"),
    fault(body(shelly(power=float("nan"))), "apower is nan", "wall meter's power is NaN"),
    fault(body(shelly(power=-60.0)), "apower is -60", "wall meter's power turns negative"),
    fault(body(shelly(power=2e5)), "apower is 200000", "wall meter's power is beyond any socket"),
    fault(body(shelly(power=10**400)), "apower is inf", "wall meter's power has 400 digits"),
    fault(body(shelly(total=-1.0)), "total is -1", "wall meter's counter turns negative"),
]


@pytest.mark.parametrize(("spoil", "says"), FAULTS)
def test_what_is_no_good_answer_is_a_loss_in_words_and_in_time(
    device: Device, clock: Clock, spoil: Callable[[Device], None], says: str
) -> None:
    both = opened(device, clock)
    spoil(device)
    start = time.monotonic()
    for meter in both:
        with pytest.raises(MeterLost, match=says) as lost:
            meter.read()
        assert "\n" not in str(lost.value)
    assert time.monotonic() - start < 5
    device.silent_s = 0  # let the server end


@pytest.mark.parametrize(("spoil", "says"), FAULTS)
def test_a_meter_that_is_no_good_from_the_start_is_missing_with_its_reason(
    device: Device, spoil: Callable[[Device], None], says: str
) -> None:
    spoil(device)
    metering = wall.open_meters(device.host, wall.SHELLY)
    device.silent_s = 0
    (one,) = metering.missing
    assert (metering.meters, one.code) == ((), "wall_unreachable")
    assert "curl 'http://HOST/rpc/Switch.GetStatus?id=0'" in one.cure


@pytest.mark.fault("nobody listens at the wall meter's address", "wall_unreachable")
def test_a_refused_connection_is_missing() -> None:
    with socket.socket() as taken:  # bound, but not listening
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        for name in ("shelly", "tasmota"):
            assert "Connection refused" in missing(meters.open_named(f"{name}:127.0.0.1:{port}"))


@pytest.mark.fault("wall meter's name is not known to the network", "wall_unreachable")
def test_a_name_nobody_knows_is_missing() -> None:
    assert "no answer" in missing(meters.open_named("shelly:no-such-host.invalid"))


@pytest.mark.fault("socket switches but does not meter", "wall_unreachable")
def test_a_switch_without_a_meter_is_missing_and_says_both_answers(device: Device) -> None:
    device.bodies[SWITCH] = '{"id": 0, "output": true}'
    reason = missing(meters.open_named(f"shelly:{device.host}"))
    assert "has no aenergy.total" in reason
    assert "HTTP 404" in reason


@pytest.mark.fault("Tasmota with several channels gives a list of powers", "wall_unreachable")
def test_a_list_of_powers_is_missing(device: Device) -> None:
    device.bodies = {STATUS_8: tasmota(power=[10, 20])}
    assert "Power is no number" in missing(meters.open_named(f"tasmota:{device.host}"))


@pytest.mark.fault("Tasmota asks for its password inside a 200", "wall_unreachable")
def test_a_warning_in_place_of_a_status_is_missing(device: Device) -> None:
    device.bodies = {STATUS_8: '{"WARNING":"Need user=<username>&password=<password>"}'}
    assert "has no StatusSNS.ENERGY.Total" in missing(meters.open_named(f"tasmota:{device.host}"))


@pytest.mark.fault("wall meter is silent for a while", "right joules")
def test_no_energy_is_made_up_for_the_time_of_a_loss(device: Device, clock: Clock) -> None:
    device.bodies[SWITCH] = shelly(power=100.0)
    power, _ = opened(device, clock)
    before_uj = power.read().energy_uj
    device.status = 500
    clock.forward()
    with pytest.raises(MeterLost):
        power.read()
    device.status = 200
    clock.forward(3_600)
    assert power.read().energy_uj == before_uj
    clock.forward()
    assert power.read().energy_uj == before_uj + 100_000_000


@pytest.mark.fault("wall meter is silent for a while", "right joules")
def test_the_devices_own_counter_went_on_during_a_loss(device: Device, clock: Clock) -> None:
    _, counter = opened(device, clock)
    device.status = 500
    with pytest.raises(MeterLost):
        counter.read()
    device.status, device.bodies[SWITCH] = 200, shelly(total=6.632)
    clock.forward(10)
    assert counter.read().energy_uj == pytest.approx(0.1 * 3.6e9, abs=1)


@pytest.mark.fault("user resets the wall meter's counter", "counter_fell")
def test_a_counter_set_back_is_told_and_counting_goes_on(device: Device, clock: Clock) -> None:
    _, counter = opened(device, clock)
    device.bodies[SWITCH] = shelly(total=7.532)
    clock.forward(60)
    assert counter.read().energy_uj == 3_600_000_000
    device.bodies[SWITCH] = shelly(total=0.0)
    clock.forward()
    with pytest.raises(CounterReset):
        counter.read()
    device.bodies[SWITCH] = shelly(total=0.5)
    clock.forward(60)
    assert counter.read().energy_uj == 3_600_000_000 + 1_800_000_000


@pytest.mark.fault("wall meter's counter leaps by a megawatt-hour", "counter_fell")
def test_a_leap_no_socket_could_have_drawn_is_not_counted(device: Device, clock: Clock) -> None:
    _, counter = opened(device, clock)
    device.bodies[SWITCH] = shelly(total=1_000_006.532)
    with pytest.raises(CounterReset):
        counter.read()
    clock.forward()
    assert counter.read().energy_uj == 0


@pytest.mark.fault("wall meter takes longer than half a second", "meter_lost")
def test_a_slow_answer_has_no_instant(device: Device) -> None:
    power, _ = meters.open_named(f"shelly:{device.host}").meters
    time.sleep(wall.REUSE_S)
    device.silent_s = 0.6
    with pytest.raises(MeterLost, match=r"took \d\.\d\d s"):
        power.read()


@pytest.mark.parametrize(
    "host", ["", "http://plug", "plug/relay", "a b", "user@plug", "plug:0", "plug:65536", "plug:x"]
)
@pytest.mark.parametrize("name", ["shelly", "tasmota"])
def test_what_is_no_host_is_refused_before_anything_is_asked(name: str, host: str) -> None:
    with pytest.raises(meters.UnknownMeter, match=f"{name}:192"):
        meters.open_named(f"{name}:{host}")
