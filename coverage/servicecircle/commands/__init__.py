"""The commands of the command line, by topic; heavy imports happen inside them."""
