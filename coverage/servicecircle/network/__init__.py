"""Travel over the network: graph, attachment, reach, profiles, circles."""
