"""What Debian's programs make of what `holdfast trace --vcd` and `holdfast graph` draw."""

import json
import re
import signal
import subprocess

from supervisor import EXECUTABLE, PATIENCE_S, eventually

CYCLES = 5


def run(*command, supervisor=None, **options):
    """What a program prints. Its complaints are errors."""
    environment = None if supervisor is None else supervisor.environment
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE_S, **options)
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout


def traced(supervisor, path):
    """Records a pin that blinks."""
    recording = subprocess.Popen([EXECUTABLE, "trace", "--vcd", path], env=supervisor.environment)
    try:
        eventually("the recording", lambda: path.exists() and "supervisor=running" in path.read_text())
        run(EXECUTABLE, "blink", "17", "--on", "5ms", "--off", "5ms", "-n", str(CYCLES), "--done", supervisor=supervisor)
        run(EXECUTABLE, "close", "17", supervisor=supervisor)
        eventually("the end of the waves", lambda: re.search(r"^sclosed v\d+$", path.read_text().split("$dumpvars")[1].split("$end")[1], re.M))
    finally:
        recording.send_signal(signal.SIGINT)
        recording.wait(PATIENCE_S)


def test_gtkwaves_converters_read_the_waveforms_of_a_trace(supervisor, tmp_path):
    traced(supervisor, tmp_path / "trace.vcd")
    run("vcd2fst", "trace.vcd", "trace.fst", cwd=tmp_path)
    again = run("fst2vcd", "trace.fst", cwd=tmp_path)
    (level,) = re.findall(r"^\$var wire 1 (\S+) GPIO17 \$end$", again, re.M)
    assert "".join(re.findall(rf"^([01zx]){re.escape(level)}$", again, re.M)) == "z0" + "10" * CYCLES + "z"
    (state,) = re.findall(r"^\$var string \d+ (\S+) GPIO17/state \$end$", again, re.M)
    states = re.findall(rf"^s(\S+) {re.escape(state)}$", again, re.M)
    assert states[:1] + states[-1:] == ["closed", "closed"] and "blinking" in states


def test_sigrok_reads_the_wires_of_a_trace(supervisor, tmp_path):
    path = tmp_path / "trace.vcd"
    traced(supervisor, path)
    sigrok = lambda *options: subprocess.run(
        ["sigrok-cli", "--input-format", "vcd:downsample=100", "--input-file", path, *options],
        capture_output=True, text=True, timeout=PATIENCE_S, check=True,
    ).stdout
    assert {"- GPIO17: logic", "- GPIO17=blinking: logic", "- supervisor=running: logic"} <= set(sigrok("--show").splitlines())
    samples = sigrok("--channels", "GPIO17", "--output-format", "csv").splitlines()
    levels = "".join(line for line in samples if line in ("0", "1"))
    assert levels.count("01") == CYCLES


def test_graphviz_draws_every_machine(supervisor):
    run(EXECUTABLE, "pool", "create", "cam0", "--slots", "4", "--bytes", "64", supervisor=supervisor)
    run(EXECUTABLE, "on", "17", supervisor=supervisor)
    actors = json.loads(run(EXECUTABLE, "actors", "--json", supervisor=supervisor))["actors"]
    kinds = {actor["kind"]: actor["address"] for actor in actors if actor["kind"] not in ("pool", "client")}
    assert {"supervisor", "pin", "slot"} <= set(kinds)
    for address in kinds.values():
        graph = run(EXECUTABLE, "graph", address, "--dot", supervisor=supervisor)
        drawn = subprocess.run(["dot", "-Tsvg"], input=graph, capture_output=True, text=True, timeout=PATIENCE_S, check=True)
        assert "Warning" not in drawn.stderr
        states = re.findall(r'^ *s\d+ \[label="([^"\\]+)', graph, re.M)
        assert len(states) > 2 and all(f">{state}</text>" in drawn.stdout for state in states)
