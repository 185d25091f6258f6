"""Change it safely: releases and which of them serves."""
