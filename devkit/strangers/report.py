"""x"""
from devkit.tables import markdown
def table(outcomes):
    return markdown(("repository","path","happens","verdict"), [(o.repository,o.path,o.happens,o.verdict) for o in outcomes])
def renewed(page, outcomes):
    return page
