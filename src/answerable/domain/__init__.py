"""The words two or more rooms share. Frozen values only; nothing here touches the outside."""
