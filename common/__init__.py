"""What every room needs: settings, offline switches, tracking, the model store, the console, the contracts.

Importing this package sets the opt-outs in `common.offline`, so that they stand before any library loads.
Nothing else happens at import, and nothing outside the standard library is imported.
"""

from common import offline

offline.apply()
