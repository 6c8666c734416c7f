"""The rules by area of an agreement's life: one function per command."""
