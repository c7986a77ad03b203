"""Windows of a browser that note what goes wrong in them."""


def new_context(browser, theme, width):
    """A browser window that prefers a theme and forgets everything else."""
    context = browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme=theme, reduced_motion="reduce"
    )
    context.add_init_script(f"localStorage.setItem('theme', '{theme}')")
    return context


def watched_page(context, address):
    """Open a page and note in `faults` what goes wrong, in `addresses` what it asks for."""
    page = context.new_page()
    page.faults, page.addresses = [], []
    page.on("console", lambda m: m.type == "error" and page.faults.append(m.text))
    page.on("pageerror", lambda error: page.faults.append(str(error)))
    page.on("request", lambda request: page.addresses.append(request.url))
    page.on("requestfailed", lambda request: page.faults.append(f"failed: {request.url}"))
    page.goto(address)
    if page.locator("article[role=main]").count():
        page.wait_for_function("document.documentElement.dataset.measured === ''")
    return page
