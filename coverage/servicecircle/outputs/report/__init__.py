"""The written report of a run: what it says, and the two files that say it.

``blocks`` is what a report is made of, ``words`` its texts and numbers; ``content`` puts the
sections together (``opening``, ``judged``, ``served``, ``ranked``, ``proposed``, ``doubts``,
``sources``); ``word`` and ``html`` write it, ``word_styles`` and ``word_xml`` beside them.
"""

from servicecircle.outputs.report.content import report_content
from servicecircle.outputs.report.files import REPORT_FILES, write_report

__all__ = ["REPORT_FILES", "report_content", "write_report"]
