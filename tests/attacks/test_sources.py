"""S11, S17, S33, S35, S42: what must not be in the code at all."""

import ast
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
from attrs import evolve

import openclaw
from openclaw.config.schema import Config
from openclaw.protocol.methods import METHODS, Method
from openclaw.protocol.scopes import READ
from tests.attacks.judging import AttackCase, Verdict, hostile

SOURCES = Path(openclaw.__file__).parent
ROOT = SOURCES.parent
Finding = Callable[[ast.AST], bool]
_SECRET = re.compile(r"(?i)(secret|password|passwd|token|(^|_)digest|signature|hmac|code_hash)$")
# Compares the owner's own settings with one another, in a command of the owner's.
_OWN_SETTINGS = "openclaw/config/audit/credentials.py"


def trees(more: str = "") -> Iterator[tuple[str, ast.Module]]:
    """Every module of the gateway, and a planted one."""
    for path in sorted(SOURCES.rglob("*.py")):
        yield str(path.relative_to(ROOT)), ast.parse(path.read_text())
    if more:
        yield "planted.py", ast.parse(more)


def _name(node: ast.AST) -> str:
    """What a value is called where it is used."""
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node, ast.Call):
        return _name(node.func)
    return node.id if isinstance(node, ast.Name) else ""


def _full(node: ast.AST) -> str:
    return ast.unparse(node) if isinstance(node, ast.Attribute | ast.Name) else ""


def compares_a_secret(node: ast.AST) -> bool:
    """``==`` between two values of which one is called as secrets are."""
    if not isinstance(node, ast.Compare):
        return False
    sides = [node.left, *node.comparators]
    pairs = zip(sides, node.ops, sides[1:], strict=False)
    for left, operator, right in pairs:
        plain = any(isinstance(one, ast.Constant) for one in (left, right))
        named = any(_SECRET.search(_name(one)) for one in (left, right))
        if isinstance(operator, ast.Eq | ast.NotEq) and named and not plain:
            return True
    return False


def unpacks(node: ast.AST) -> bool:
    """Anything that opens an archive."""
    archives = {"zipfile", "tarfile", "lzma", "bz2", "py7zr", "zipimport", "rarfile"}
    if isinstance(node, ast.Import):
        return bool(archives & {one.name.split(".")[0] for one in node.names})
    if isinstance(node, ast.ImportFrom):
        return (node.module or "").split(".")[0] in archives
    return isinstance(node, ast.Call) and _name(node) in ("unpack_archive", "extractall")


def runs_a_shell(node: ast.AST) -> bool:
    """A command line as text, or a way to run one."""
    if not isinstance(node, ast.Call):
        return False
    shells = {"os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput"}
    shells |= {"eval", "exec", "pty.spawn", "asyncio.create_subprocess_shell", "pickle.loads"}
    if _full(node.func) in shells or _name(node) in ("getProcessOutput", "execlp", "execvp"):
        return True
    for keyword in node.keywords:
        if keyword.arg == "shell" and not _is_false(keyword.value):
            return True
    starts = _full(node.func).startswith("subprocess.") and bool(node.args)
    return starts and isinstance(node.args[0], ast.Constant | ast.JoinedStr)


def _is_false(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value is False


def downloads(node: ast.AST) -> bool:
    """Installing or replacing itself: what a package manager is for."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        named = [one.name for one in node.names] + [getattr(node, "module", "") or ""]
        return any(one.split(".")[0] in ("pip", "ensurepip", "urllib.request") for one in named)
    words = {"pip", "npm", "curl", "wget", "git", "brew", "apt-get"}
    if isinstance(node, ast.List | ast.Tuple):
        first = node.elts[0] if node.elts else None
        return isinstance(first, ast.Constant) and first.value in words and len(node.elts) > 1
    return isinstance(node, ast.Call) and _name(node) in ("urlretrieve", "urlopen")


class SourceAttacks(AttackCase):
    """One rule after the other, over every module; each finds its planted fault."""

    def look(self, finding: Finding, planted: str = "") -> Verdict:
        verdict = Verdict()
        for name, tree in trees(planted):
            lines = [node.lineno for node in ast.walk(tree) if finding(node)]  # type: ignore[attr-defined]
            exempt = finding is compares_a_secret and name == _OWN_SETTINGS
            verdict.note((name, lines), bool(lines) and not exempt)
        verdict.tried = 0  # Files of ours, not inputs of an enemy.
        return verdict

    def rule(self, finding: Finding, *planted: str) -> None:
        self.held(self.look(finding))
        for one in planted:
            self.caught(self.look(finding, one))

    @hostile(0)
    def test_ghsa_jmm5_fvh5_gf4p_secrets_compared_in_constant_time(self) -> None:
        """``==`` on secrets tells by its time how much of a guess was right."""
        self.rule(
            compares_a_secret,
            "def f(a): return a.token == given",
            "if presented != expected_secret: pass",
            "ok = hmac.digest(a, b, c) == mac_digest",
        )

    @hostile(0)
    def test_cve_2026_28452_no_archive_is_unpacked(self) -> None:
        """Archives wrote outside their directory, or grew without end (CVE-2026-32044)."""
        self.rule(
            unpacks, "import zipfile", "from tarfile import open", "shutil.unpack_archive(path)"
        )

    @hostile(0)
    def test_cve_2026_24763_no_shell(self) -> None:
        """Texts became commands (CVE-2026-25157, CVE-2026-27002): there is no shell for them."""
        self.rule(
            runs_a_shell,
            "subprocess.run(command, shell=True)",
            "os.system(command)",
            "subprocess.Popen(f'ssh {host}')",
            "subprocess.run(words, shell=flag)",
        )

    @hostile(0)
    def test_cve_2026_42428_no_self_update(self) -> None:
        """Downloads came without a check: the gateway downloads no code."""
        self.rule(
            downloads,
            "import pip",
            "subprocess.run(['pip', 'install', name])",
            "urllib.request.urlretrieve(url)",
        )
        lock = json.loads((ROOT / "package-lock.json").read_text())
        for name, package in lock["packages"].items():
            if name and not package.get("inBundle"):  # That one is in its owner's archive.
                self.assertTrue(package["integrity"].startswith("sha512-"), name)
        for line in (ROOT / "constraints.txt").read_text().splitlines():
            if line and not line.startswith("#"):
                self.assertRegex(line, r"^[\w.\-\[\]]+==\S+", "an exact version")


_ADDRESS = re.compile(r"(?i)(url|uri|host|hostname|endpoint|gateway|server|address|origin|proxy)$")
# A name in the presence list, a label nobody follows, a picture for the guarded HTTP client; and
# what is written into a code for a device, where only that device goes. What waits for an approval
# is shown to a person and hashed: it names a command, and nothing here runs it.
_NO_GATEWAY = {
    *(("system-event", "/host"), ("agent", "/origin"), ("send", "/mediaUrl")),
    *(("exec.approval.request", "/host"), ("exec.approval.request", "/command")),
    *(
        ("device.pair.setupCode", f"/{name}")
        for name in ("publicUrl", "preferRemoteUrl", "joinUrl")
    ),
}
_COMMAND = re.compile(r"(?i)^(cmd|command|commandline|shell|argv|exec|script|program|executable)$")
_RUNS = re.compile(r"(?i)(command|cmd|shell|exec|executable|program|binary|script|interpreter)$")


def fields(of: Any, path: str = "", seen: tuple[Any, ...] = ()) -> Iterator[str]:
    """The JSON path of every field below a type, by what msgspec knows of it."""
    info = msgspec.inspect.type_info(of)
    yield from _fields(info, path, seen)


def _fields(info: Any, path: str, seen: tuple[Any, ...]) -> Iterator[str]:
    if isinstance(info, msgspec.inspect.Metadata):
        yield from _fields(info.type, path, seen)
    elif isinstance(info, msgspec.inspect.StructType) and info.cls not in seen:
        for one in info.fields:
            yield f"{path}/{one.encode_name}"
            yield from _fields(one.type, f"{path}/{one.encode_name}", (*seen, info.cls))
    elif isinstance(info, msgspec.inspect.UnionType):
        for kind in info.types:
            yield from _fields(kind, path, seen)
    elif isinstance(info, msgspec.inspect.DictType):
        yield from _fields(info.value_type, f"{path}/*", seen)
    elif hasattr(info, "item_type"):
        yield from _fields(info.item_type, f"{path}/*", seen)


# Agents and tool servers are programs of the operator's own file; no method or tool writes it.
_OWN_PROGRAMS = frozenset({"/mcp/servers/*/command", "/agents/defaults/cliBackends/*/command"})


class PlantedParams(msgspec.Struct, rename="camel"):
    """Params as the original had them."""

    message: str
    gateway_url: str = ""
    command: str = ""


class SchemaAttacks(AttackCase):
    """What a request or the configuration has no words for, nobody can ask for."""

    def params(self, methods: dict[str, Method], pattern: "re.Pattern[str]") -> Verdict:
        verdict = Verdict()
        for name, method in methods.items():
            for path in fields(method.params):
                found = pattern.search(path.rpartition("/")[2])
                verdict.note((name, path), bool(found) and (name, path) not in _NO_GATEWAY)
        verdict.tried = 0
        return verdict

    def rule(self, pattern: "re.Pattern[str]") -> None:
        self.held(self.params(METHODS, pattern))
        planted = evolve(METHODS["health"], name="planted", params=PlantedParams, scope=READ)
        self.caught(self.params({**METHODS, "planted": planted}, pattern))

    @hostile(0)
    def test_cve_2026_26322_no_method_takes_an_address(self) -> None:
        """An agent named a gateway's address and the gateway went there (7.6)."""
        self.rule(_ADDRESS)

    @hostile(0)
    def test_cve_2026_22169_no_method_takes_a_command(self) -> None:
        """Lists of allowed commands never parsed what the shell did (CVE-2026-53853, -53866)."""
        self.rule(_COMMAND)

    def keys(self, of: Any) -> Verdict:
        verdict = Verdict()
        for path in fields(of):
            runs = bool(_RUNS.search(path.rpartition("/")[2])) and path not in _OWN_PROGRAMS
            verdict.note(path, runs)
        verdict.tried = 0
        return verdict

    @hostile(0)
    def test_cve_2026_25593_no_key_names_a_program(self) -> None:
        """Who could write the configuration could name a program in it, and it ran (8.4)."""
        self.held(self.keys(Config))
        self.caught(self.keys(PlantedParams))
