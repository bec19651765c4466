"""Every form of list, in the order in which a list is tried."""

from __future__ import annotations

from .atcon import ATCON
from .epic import EPIC
from .form import LineForm, TableForm
from .frames import FRAMES, SPAN
from .hmdb51 import HMDB51
from .jester import JESTER
from .kinetics import KINETICS
from .pairs import COMMA, TEXT
from .table import CSV
from .ucf101 import UCF101

TABLE_FORMS = (CSV, KINETICS, EPIC)
# Nearly every line could be a path and a label: that comes last.
LINE_FORMS = (HMDB51, ATCON, JESTER, SPAN, FRAMES, UCF101, COMMA, TEXT)
FORMS: dict[str, LineForm | TableForm] = {form.name: form for form in (*TABLE_FORMS, *LINE_FORMS)}
