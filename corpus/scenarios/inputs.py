"""Made-up inputs: words, texts, tables, trees of files and small programs, all from a seed."""

from pathlib import Path
from random import Random

WORDS = """amber basin cedar delta ember fjord glade haven inlet jetty knoll lagoon meadow north orchard prairie quarry
ridge spruce tundra upland valley willow xylem yarrow zenith harbour lantern copper violin saddle thimble walnut""".split()


def words(rng: Random, count: int) -> list[str]:
    return [rng.choice(WORDS) for _ in range(count)]


def text(rng: Random, lines: int) -> str:
    return "".join(" ".join(words(rng, rng.randint(3, 11))) + "\n" for _ in range(lines))


def table(rng: Random, rows: int) -> str:
    head = "id,name,place,amount\n"
    return head + "".join(f"{i},{rng.choice(WORDS)},{rng.choice(WORDS)},{rng.randint(1, 9999)}\n" for i in range(rows))


def tree(rng: Random, root: Path, files: int) -> list[Path]:
    """Fills `root` with `files` text files in a few folders, and returns them."""
    made = []
    for number in range(files):
        folder = root.joinpath(*words(rng, rng.randint(0, 2)))
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{rng.choice(WORDS)}{number}.{rng.choice(['txt', 'csv', 'log', 'md'])}"
        path.write_text(text(rng, rng.randint(1, 120)))
        made.append(path)
    return made


def c_source(rng: Random, functions: int) -> str:
    """A C program that compiles and prints a number."""
    body = ["#include <stdio.h>", "#include <stdlib.h>", "#include <string.h>"]
    for i in range(functions):
        body.append(f"static long f{i}(long n) {{ long s = {rng.randint(1, 99)}; "
                    f"for (long i = 0; i < n; i++) s = s * {rng.randint(2, 9)} % {rng.randint(100, 9999)} + i; return s; }}")
    total = " + ".join(f"f{i}({rng.randint(1, 50)})" for i in range(functions))
    body.append(f'int main(void) {{ printf("%ld\\n", {total}); return 0; }}')
    return "\n".join(body) + "\n"
