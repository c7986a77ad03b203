"""Predict, then look: a self-check in the page that needs no kernel.

A directive asks for the number of a claim, or for a choice:

    :::{predict} After how many steps does the answer fall below one half?
    :answer: 232
    :low: 1
    :high: 1000
    :scale: log
    :unit: steps
    :claim: 2.4

    What is shown after the reader has answered.
    :::

`:choices: a | b | c` takes the place of `:low:` and `:high:`. The numbers of the answer must be
among those that the claim measured in the stored notebook. Without scripts the answer is a fold.
"""

import json
import re
from pathlib import Path
from typing import ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective

from bookkit.ledger import entries_of

NUMBER = re.compile(r"[-−]?\d[\d,]*\.?\d*(?:[eE][-+]?\d+)?")


class predict(nodes.container):
    """The question, with what a script needs to ask it; its children are the explanation."""


def numbers(text):
    """Return the numbers of a text: "232, −1.50" has 232.0 and -1.5."""
    found = (word.rstrip(",.") for word in NUMBER.findall(text))
    plain = (word.replace("−", "-").replace(",", "") for word in found)
    return [float(word) for word in plain]


def choices_of(text):
    """Return the choices of "a | b | c"."""
    return [choice.strip() for choice in text.split("|")]


def faults(options, entries):
    """Yield a sentence for everything that is wrong with the options of a question.

    `entries` are the claims of the page, by number.
    """
    answer, number = options.get("answer"), options.get("claim")
    if not answer:
        yield "it has no :answer:"
        return
    if number not in entries:
        yield f"its :claim: {number} is not measured on this page"
    else:
        measured = entries[number].measured
        for value in numbers(answer):
            if value not in numbers(measured):
                yield f"its answer {answer} is not what claim {number} measured: {measured}"
    ranged = "low" in options and "high" in options
    if ranged == ("choices" in options):
        yield "it needs :low: and :high:, or else :choices:"
    elif ranged:
        yield from _range_faults(options, numbers(answer))
    elif answer not in choices_of(options["choices"]):
        yield f"its answer {answer!r} is none of its choices: {options['choices']}"


def _range_faults(options, answers):
    low, high = options["low"], options["high"]
    if len(answers) != 1:
        yield f"its answer {options['answer']!r} is not one number"
    elif not low < high or not low <= answers[0] <= high:
        yield f"its answer {options['answer']} does not lie between {low:g} and {high:g}"
    if options.get("scale") == "log" and low <= 0:
        yield f"a logarithmic scale cannot begin at {low:g}"


class PredictDirective(SphinxDirective):
    """The directive; its argument is the question."""

    required_arguments = 1
    final_argument_whitespace = True
    has_content = True
    option_spec: ClassVar = {
        "answer": directives.unchanged_required,
        "claim": directives.unchanged_required,
        "low": float,
        "high": float,
        "scale": lambda text: directives.choice(text, ("linear", "log")),
        "unit": directives.unchanged_required,
        "choices": directives.unchanged_required,
    }

    def run(self):
        path = Path(self.env.srcdir) / f"{self.env.current_document.docname}.ipynb"
        notebook = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
        entries = {e.number: e for e in entries_of(notebook)} if notebook else {}
        for fault in faults(self.options, entries):
            raise self.error(f"predict {self.arguments[0]!r}: {fault}")
        question, _ = self.parse_inline(self.arguments[0])
        node = predict("", options=dict(self.options))
        node["number"] = self.env.new_serialno("predict") + 1
        node += nodes.paragraph("", "", *question, classes=["predict-question"])
        node += self.parse_content_to_nodes()
        self.set_source_info(node)
        return [node]


def attributes(options, key):
    """Return the data that the script reads, as HTML attributes without their values escaped."""
    shown = {"answer": options["answer"], "key": key}
    shown |= {name: f"{options[name]:g}" for name in ("low", "high") if name in options}
    shown |= {name: options[name] for name in ("scale", "unit", "choices") if name in options}
    return {f"data-{name}": value for name, value in shown.items()}


def visit_predict(translator, node):
    """Open the question; the explanation goes into a fold under the measured number."""
    options, question = node["options"], node.children[0]
    docname = translator.builder.current_docname
    key = f"{docname}#{node['number']}"
    data = attributes(options, key)
    translator.body.append(
        translator.starttag(node, "div", CLASS="predict", ids=[f"predict-{node['number']}"], **data)
    )
    translator.body.append('<p class="predict-title">Predict, then look</p>\n')
    question.walkabout(translator)
    if "choices" in options:
        listed = "".join(
            f"<li>{translator.encode(choice)}</li>" for choice in choices_of(options["choices"])
        )
        translator.body.append(f'<ul class="predict-choices">{listed}</ul>\n')
    unit = f" {options['unit']}" if "unit" in options else ""
    answer = translator.encode(f"{options['answer']}{unit}")
    number = options["claim"]
    translator.body.append(
        '<details class="predict-answer"><summary>Show the answer</summary>\n'
        f"<p>Measured: <strong>{answer}</strong> "
        f'(<a href="#claim-{number}">claim {number}</a>).</p>\n'
    )
    for child in node.children[1:]:
        child.walkabout(translator)
    translator.body.append("</details></div>\n")
    raise nodes.SkipNode


def setup(app):
    app.add_node(predict, html=(visit_predict, None))
    app.add_directive("predict", PredictDirective)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
