"""What every implementation of an interface must do: one mixin per interface."""
