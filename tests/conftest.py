"""For all tests: search is by words, unless a test says otherwise, and no test fails by the clock.

So no test reads weights, or waits for vectors, that are none of its matter; and an example that
takes long on a busy machine is no failure.
"""

import os

from hypothesis import settings

os.environ["ANSWERABLE_RELEASE__EMBEDDER"] = "none"

settings.register_profile("patient", deadline=None)
settings.load_profile("patient")
