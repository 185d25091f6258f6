"""What turns texts into vectors: on this machine, or over HTTP."""
