/** How to have bundles of published actors, for what skips without. */
export const HOW = "set FILIGREE_BUNDLES to a folder with packs vN.tar.zst of the reference node";
