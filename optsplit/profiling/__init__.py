"""From a module to a profile: trace the layers, measure or predict their seconds."""
