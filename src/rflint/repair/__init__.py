"""From findings to changes: weighed on the architecture, applied to the model, analysed again."""

from rflint.repair.change import KINDS, Candidate, Change, Edit, Figures, Repair
from rflint.repair.search import Search, Wish, search

__all__ = ["KINDS", "Candidate", "Change", "Edit", "Figures", "Repair", "Search", "Wish", "search"]
