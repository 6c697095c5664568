"""Files from elsewhere: fetched once, resumed, checked, unpacked; knows no model and no dataset."""
