"""The shingle rule as a recipe writes it."""

from pydantic import BaseModel, Field

from udfs.shingles import ShingleRule


class Shingling(BaseModel, frozen=True, extra="forbid"):
    """words: null takes the rule by script and length (udfs/shingles.py); a number takes word shingles of that size
    whatever the text, as most tools do (5)."""

    words: int | None = Field(default=None, ge=1, le=20)

    def rule(self) -> ShingleRule:
        """The rule for the shingling core."""
        return ShingleRule() if self.words is None else ShingleRule.words(self.words)
