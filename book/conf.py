"""The site of the book: sphinx-build -W --keep-going -c book . _build/site"""

import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "_ext"))

project = "Descent"
author = "The authors of Descent"
copyright = "the authors of Descent. Text: CC BY 4.0. Code: MIT"
language = "en"

# The source folder is the repository's root, so that chapters and front matter need no links
# between folders. Only the executed notebooks are pages; their paired text would collide.
root_doc = "book/index"
include_patterns = ["book/**", "chapters/**/*.ipynb"]
exclude_patterns = ["book/_*", "**/.ipynb_checkpoints"]
nitpicky = True
numfig = True
numfig_format = {"figure": "Figure %s", "table": "Table %s", "code-block": "Listing %s"}

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "sphinxcontrib.bibtex",
    "bookmap",
    "cards",
    "chapters",
    "courses",
    "cover",
    "drawings",
    "ebook",
    "exercises",
    "find",
    "folds",
    "glossary",
    "katex",
    "lean",
    "ledger",
    "live",
    "outputs",
    "predict",
    "previews",
    "reference",
    "verified",
]

# The pages show what the tests verified: nothing is executed here.
nb_execution_mode = "off"
nb_merge_streams = True
nb_code_prompt_show = "Show the code"
suppress_warnings = ["mystnb.unknown_mime_type"]  # claims carry a record beside their HTML
myst_enable_extensions = ["attrs_block", "attrs_inline", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

# The reference: types are words here ("float array, same shape"), not names to be linked.
autosummary_generate = False  # it lists names; their reference stands on pages of its own
autodoc_member_order = "alphabetical"
autodoc_typehints = "none"
napoleon_google_docstring = False
napoleon_use_param = False
napoleon_use_rtype = False
napoleon_use_ivar = True
default_role = "py:obj"
nitpick_ignore_regex = [("py:.*", ".*")]  # names of arguments and of other libraries in docstrings
html_domain_indices = False  # the page of the library leads to its modules

html_math_renderer = "katex"
bibtex_bibfiles = ["references.bib"]
bibtex_default_style = "plain"
bibtex_reference_style = "author_year"

copybutton_exclude = ".linenos, .gp, .go"
copybutton_selector = "div.cell_input pre, div.highlight-bash pre, div.highlight-python pre"

html_theme = "furo"
html_title = "Descent"
html_favicon = "_static/favicon.svg"
html_static_path = ["_static"]
html_css_files = ["book.css"]
html_js_files = ["book.js", "memory.js", "previews.js"]
html_additional_pages = {"search": "search.html"}
html_extra_path = ["_root"]
templates_path = ["_templates"]
html_copy_source = False
html_show_sphinx = False
html_theme_options = {
    "top_of_page_buttons": [],
    "light_css_variables": {
        "color-brand-primary": "#0b5c6b",
        "color-brand-content": "#0b5c6b",
        "color-brand-visited": "#5b4a86",
        "color-foreground-muted": "#5f636b",
        "color-link-underline": "#a9c6cc",
        "color-code-background": "#f7f8f9",
        "book-focus": "#0b7285",
        "book-shadow": "rgb(0 0 0 / 0.28)",
        "book-claim": "#0a6b4f",
        "book-claim-background": "#f0f7f4",
        "book-blue": "#1f6aa5",
        "book-vermilion": "#b34700",
        "book-green": "#0a7255",
        "book-purple": "#8f4079",
        "book-ochre": "#7a5b00",
    },
    "dark_css_variables": {
        "color-brand-primary": "#62c6d6",
        "color-brand-content": "#62c6d6",
        "color-brand-visited": "#b9a6ea",
        "color-foreground-muted": "#9a9fa6",
        "color-link-underline": "#35606a",
        "color-code-background": "#1a1c1e",
        "book-focus": "#62c6d6",
        "book-shadow": "rgb(255 255 255 / 0.3)",
        "book-claim": "#5ccfa5",
        "book-claim-background": "#14221d",
        "book-blue": "#6db3ec",
        "book-vermilion": "#ff8a4c",
        "book-green": "#45c79c",
        "book-purple": "#dc93c9",
        "book-ochre": "#d3ac3f",
    },
}
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"

epub_basename = "descent"
epub_title = "Descent: how convolutional networks are trained"
epub_description = "Losses, optimizers, regularization and the training of CNNs, every claim run."
epub_contributor = "The readers"
epub_publisher = "The authors of Descent"
epub_identifier = "descent-book"
epub_uid = "descent-book"
epub_show_urls = "no"
epub_tocdepth = 2
epub_tocscope = "includehidden"
epub_exclude_files = ["index.html", "_static/katex/LICENSE"]
epub_copyright = copyright
version = "0.1.0"

# Where the site is published: previews of links, a map for search engines and a page for what is
# not there need its address, "https://example.org/descent/", and are left out without it.
if address := os.environ.get("BOOK_URL"):
    extensions += ["notfound.extension", "sphinx_sitemap", "sphinxext.opengraph"]
    html_baseurl = ogp_site_url = f"{address.rstrip('/')}/"
    ogp_social_cards = {"enable": False}  # they would be drawn with fonts that are not the book's
    sitemap_url_scheme = "{link}"
    notfound_urls_prefix = urlsplit(html_baseurl).path

# What search engines show for the pages that have no front matter of their own.
descriptions = {
    "genindex": "Every indexed term of Descent, in alphabetical order.",
    "search": "Search the text of Descent.",
}
