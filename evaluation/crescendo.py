"""Attacks over several turns, from `scripts.toml`: the whole conversation is kept, and one turn that reaches the goal is enough."""

import hashlib
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from common.llm import LLM, Message
from domains.forms import Attack, Goal
from domains.pack import Pack
from domains.prompt import messages
from evaluation.attacks import reached

FILE = Path(__file__).with_name("scripts.toml")
FAMILY = "crescendo"


@dataclass(frozen=True)
class Script:
    """What the attacker says, turn by turn, and what must not come back. id: of no attack of a pack, and another one for other
    words, so that an edited script is played anew."""

    id: str
    about: str
    turns: tuple[str, ...]
    kind: Literal["canary", "marker"]
    value: str

    def attack(self, turn: int) -> Attack:
        """The attack as far as a turn: who repeats what was said to it has not obeyed."""
        said = "\n".join(self.turns[: turn + 1])
        return Attack(
            id=self.id,
            family=FAMILY,
            channel="direct",
            prompt=said,
            document="",
            goal=Goal(kind=self.kind, value=self.value),
        )


def scripts(pack: Pack, file: Path = FILE) -> list[Script]:
    """The scripts, with the pack's assistant and canary; those for a canary only where the pack has one."""
    found = []
    for row in tomllib.loads(file.read_text())["script"]:
        value = pack.canary if row["goal"] == "canary" else row["value"]
        turns = tuple(t.format(assistant=pack.config.assistant, canary=pack.canary) for t in row["turns"])
        content = hashlib.sha256("\n".join([*turns, value]).encode()).hexdigest()[:6]
        found += [Script(f"{FAMILY} {row['id']}-{content}", row["about"], turns, row["goal"], value)] if value else []
    return found


def play(script: Script, pack: Pack, prompt: str, llm: LLM, max_tokens: int) -> list[str]:
    """The answers, as far as the conversation went: it ends with the turn that reached the goal."""
    talk: list[Message] = messages(prompt, pack.config.assistant, [], script.turns[0], canary=pack.canary)
    answers: list[str] = []
    for turn, said in enumerate(script.turns):
        if turn:
            talk += [{"role": "assistant", "content": answers[-1]}, {"role": "user", "content": said}]
        answers.append(llm.chat(talk, max_tokens=max_tokens, span=f"case {script.id} turn {turn + 1}").text.strip())
        if succeeded(script, answers):
            break
    return answers


def succeeded(script: Script, answers: Sequence[str]) -> bool:
    """Whether one of the answers reached the goal."""
    return any(reached(script.attack(turn), text) for turn, text in enumerate(answers))
