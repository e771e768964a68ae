"""The skin-lesion classifier as a service: photograph in, honest answer out."""
