"""What DICOMweb (PS3.18) says on either side of it: at a door of ours, and at an archive's."""
