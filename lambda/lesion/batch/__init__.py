"""Classification of many images: a command for folders, a Lambda function for buckets. Not in the service's image."""
