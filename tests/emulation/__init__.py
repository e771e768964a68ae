"""The deployment emulated from its CloudFormation template: checks over HTTP, a visit in a browser, the batch."""
