"""Emulation of CloudFront, API Gateway, S3, Lambda and Step Functions from a template."""
